package hetzner

import (
	"context"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/retry"
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

// retry is retry.Policy.Do with this driver's clock and log.
func (d *Driver) retry(ctx context.Context, limit time.Duration, passes func(error) bool, attempt func() error) error {
	return retry.Policy{Vendor: "Hetzner Cloud", Sleep: d.sleep, Log: d.log}.Do(ctx, limit, passes, attempt)
}
