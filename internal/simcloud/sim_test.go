package simcloud_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func TestSmoke(t *testing.T) {
	sim, err := simcloud.New(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim.Handler())
	defer srv.Close()
	c := hcloud.NewClient(hcloud.WithEndpoint(srv.URL+"/v1"), hcloud.WithToken("x"))
	ctx := context.Background()
	locs, err := c.Location.All(ctx)
	if err != nil || len(locs) != 6 {
		t.Fatal(locs, err)
	}
	types, err := c.ServerType.All(ctx)
	if err != nil || len(types) < 20 {
		t.Fatal(types, err)
	}
	imgs, err := c.Image.All(ctx)
	if err != nil {
		t.Fatal(imgs, err)
	}
	if _, err := c.ISO.All(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Pricing.Get(ctx); err != nil {
		t.Fatal(err)
	}
	k, _, err := c.SSHKey.Create(ctx, hcloud.SSHKeyCreateOpts{Name: "a", PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeYYpOX3XHPHbWZ4JIG8PPXzUTJ0YbZFmZ5kdyVKkpA x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = c.SSHKey.Create(ctx, hcloud.SSHKeyCreateOpts{Name: "a", PublicKey: k.PublicKey}); !hcloud.IsError(err, hcloud.ErrorCodeUniquenessError) {
		t.Fatal(err)
	}
	t.Log(len(imgs), k.Fingerprint, sim.Requests().Routes)
}
