package service_test

import (
	"context"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func fault(on string, err error) func(string, cloud.Kind, string) error {
	return func(call string, _ cloud.Kind, _ string) error {
		if call == on {
			return err
		}
		return nil
	}
}

func broken(code cloud.Code) error {
	return &cloud.Error{Code: code, Cloud: "hetzner", VendorCode: "vendor_code", Message: "no luck", Doing: "create network"}
}

func TestCreateCutShort(t *testing.T) {
	down := func(call string, _ cloud.Kind, _ string) error {
		if call == "wait" || call == "get" {
			return broken(cloud.CodeUnavailable)
		}
		return nil
	}
	gone := func(call string, _ cloud.Kind, _ string) error {
		switch call {
		case "wait":
			return broken(cloud.CodeInvalid)
		case "get":
			return broken(cloud.CodeNotFound)
		}
		return nil
	}
	tests := map[string]struct {
		fault            func(string, cloud.Kind, string) error
		exists, repaired bool
	}{
		"refused at once":          {fault: fault("create", broken(cloud.CodeQuota))},
		"cloud fails while it was": {fault: fault("wait", broken(cloud.CodeUnavailable)), exists: true, repaired: true},
		"unfit but there":          {fault: fault("wait", broken(cloud.CodeInvalid)), exists: true, repaired: true},
		"cloud is down":            {fault: down, exists: true, repaired: true},
		"a part of it failed":      {fault: fault("wait", broken(cloud.CodeUnfinished)), exists: true, repaired: true},
		"operation failed":         {fault: fault("wait", broken(cloud.CodeOperationFailed)), exists: true},
		"vanished":                 {fault: gone, exists: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, tf := start(t)
			plan := tf.Plan(servicetest.Instance{}, protected())
			c.Fault = test.fault
			got, diags := tf.Apply(plan)
			c.Fault = nil
			if got.Exists() != test.exists {
				t.Fatalf("in the state: %v", got.Exists())
			}
			if test.repaired {
				wantOne(t, diags.Warnings(), "exists, but is not finished", "no luck", "Run apply again")
				if got.Tainted || len(diags.Errors()) > 0 {
					t.Errorf("tainted %v, errors %q", got.Tainted, diags.Errors())
				}
				got, _ = tf.Refresh(got)
				if plan := tf.Plan(got, protected()); !plan.IsNoOp() {
					t.Errorf("the next plan is %v", plan.Planned)
				}
				return
			}
			wantOne(t, diags.Errors(), `Cannot create network "acme" in hetzner/fsn1`, "hetzner answered: no luck (vendor_code)")
			if !test.exists {
				return
			}
			// What never worked is replaced by the next apply, protected or not.
			c.NetworkStore.Change("1", func(n *cloud.Network) { n.Protected = false })
			got, _ = tf.Refresh(got)
			again, diags := tf.Apply(tf.Plan(got, protected()))
			if len(diags.Errors()) > 0 || again.Get(t, "native_id") != "2" || len(c.NetworkStore.All()) != 1 {
				t.Errorf("the next apply made %v, %q; there are %v", again.State, diags.Errors(), c.NetworkStore.All())
			}
		})
	}
}

// Ctrl-C after the object was saved keeps it, untainted.
func TestCreateInterrupted(t *testing.T) {
	c, tf := start(t)
	ctx, stop := context.WithCancel(t.Context())
	plan := tf.Plan(servicetest.Instance{}, config())
	c.Fault = func(call string, _ cloud.Kind, _ string) error {
		if call == "wait" {
			stop()
		}
		return nil
	}
	got, diags := tf.ApplyContext(ctx, plan)
	wantOne(t, diags.Warnings(), "exists, but is not finished", "interrupted")
	if len(diags.Errors()) > 0 || got.Tainted || got.Get(t, "id") != "hetzner/fsn1/1" {
		t.Errorf("tainted %v, errors %q, state %v", got.Tainted, diags.Errors(), got.State)
	}
	if n := c.Count("get", cloud.KindNetwork); n != 0 {
		t.Errorf("%d reads after the interruption", n)
	}
}

// What a create found under its name, made from something that cannot be
// changed, is no success; nor is it tainted, which would destroy it.
func TestCreateFindsAnother(t *testing.T) {
	c, tf := start(t)
	c.Fault = fault("wait", &cloud.Error{Code: cloud.CodeUnsupported, Cloud: "hetzner", Message: "made from another image", Field: "cidr", Remedy: "Replace it."})
	got, diags := tf.Apply(tf.Plan(servicetest.Instance{}, config()))
	c.Fault = nil
	wantOne(t, diags.Errors(), "cidr: Cannot create network", "made from another image", "hetzner/fsn1/1 has the name already", "create_before_destroy", "terraform import")
	if got.Exists() || got.Tainted || len(diags.Warnings()) > 0 || len(c.NetworkStore.All()) != 1 {
		t.Errorf("in the state %v, warnings %q, in the cloud %v", got.State, diags.Warnings(), c.NetworkStore.All())
	}
}

func TestCreateTimeout(t *testing.T) {
	_, tf := start(t)
	timed := config().With("timeouts", map[string]any{"create": "1ns"})
	got, diags := tf.Apply(tf.Plan(servicetest.Instance{}, timed))
	wantOne(t, diags.Errors(), "within the time allowed by `timeouts`")
	if got.Exists() {
		t.Errorf("state: %v", got.State)
	}
}
