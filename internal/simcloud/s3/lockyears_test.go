package s3_test

import (
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// TestAYearOfRetention has 365 days, as in the gateway, leap years too.
func TestAYearOfRetention(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-immutable", true)
	c.ok(owner.SetObjectLockConfig(c.ctx, "acme-immutable", ptr(minio.Compliance), ptr(uint(4)), ptr(minio.Years)))
	id := c.put("acme-immutable", "k", "precious")
	_, until, err := owner.GetObjectRetention(c.ctx, "acme-immutable", "k", id)
	c.ok(err)
	if want := c.eng.Clock.Now().Add(4 * 365 * day); until.Sub(want).Abs() > time.Second {
		t.Errorf("kept until %s, want %s", until, want)
	}
}
