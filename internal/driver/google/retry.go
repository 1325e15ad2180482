package google

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	compute "cloud.google.com/go/compute/apiv1"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/retry"
)

// patience is how long a refusal is retried that normally passes soon: the
// vendor frees networks and disks some seconds after the VM is gone.
const patience = 90 * time.Second

// write sends one write with a request id of its own, repeats it while the
// object, or one that it refers to, is busy, and gives the operation to wait
// for: none if it has ended well. The HTTP client below repeats a request
// with its id, so that a lost answer never makes anything twice.
func (d *Driver) write(ctx context.Context, send func(requestID *string) (*compute.Operation, error)) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	err := d.retry(ctx, 0, isBusy, func() error {
		id := newRequestID()
		op, err := send(&id)
		if err == nil {
			operations, err = begun(op)
		}
		return err
	})
	return operations, err
}

// fresh repeats an attempt that reads an object's fingerprint and writes with
// it, as long as somebody else is quicker.
func (d *Driver) fresh(ctx context.Context, attempt func() error) error {
	return d.retry(ctx, 0, isStale, attempt)
}

// retry is retry.Policy.Do with this driver's clock and log.
func (d *Driver) retry(ctx context.Context, limit time.Duration, passes func(error) bool, attempt func() error) error {
	return retry.Policy{Vendor: "Google Cloud", Sleep: d.sleep, Log: d.log}.Do(ctx, limit, passes, attempt)
}

// newRequestID makes a random UUID (RFC 9562, version 4), the form that the
// API demands of a requestId.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (package documentation)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// timeOf reads a creationTimestamp (RFC 3339); zero if it is none.
func timeOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
