package hetzner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// Pauses between attempts while an object is busy: short ones first, since
// most actions take seconds.
const (
	firstPause = time.Second
	maxPause   = 15 * time.Second
)

// patience is how long a refusal is retried that normally passes soon: the
// vendor frees firewalls and volumes some seconds after the VM is gone.
const patience = 60 * time.Second

// whileBusy repeats an attempt as long as the object is locked by a running
// action or was changed by somebody else at the same time.
func (d *Driver) whileBusy(ctx context.Context, attempt func() error) error {
	return d.retry(ctx, 0, func(err error) bool {
		return hcloud.IsError(err, hcloud.ErrorCodeLocked, hcloud.ErrorCodeConflict)
	}, attempt)
}

// retry repeats an attempt while its error is of the kind that passes, with
// jittered, growing pauses, until the context ends or the pauses add up to
// the limit (0: none).
func (d *Driver) retry(ctx context.Context, limit time.Duration, passes func(error) bool, attempt func() error) error {
	pause, waited := firstPause, time.Duration(0)
	for {
		err := attempt()
		if err == nil || !passes(err) {
			return err
		}
		// Half of the pause is chance, so that many callers do not come back
		// at the same moment.
		jittered := pause/2 + time.Duration(rand.Int64N(int64(pause/2)+1))
		if limit > 0 && waited+jittered > limit {
			return err
		}
		d.log.DebugContext(ctx, "Hetzner Cloud object is busy, trying again", "pause", jittered, "error", err)
		if ended := d.sleep(ctx, jittered); ended != nil {
			return errors.Join(err, fmt.Errorf("gave up: %w", ended))
		}
		waited += jittered
		pause = min(2*pause, maxPause)
	}
}
