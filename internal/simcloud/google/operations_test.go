package google_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// insertBlue asks for a network called blue.
func (c *cloud) insertBlue(request *string) (*compute.Operation, error) {
	c.t.Helper()
	return client(c, compute.NewNetworksRESTClient).Insert(c.ctx, &computepb.InsertNetworkRequest{Project: testProject, RequestId: request,
		NetworkResource: &computepb.Network{Name: ptr("blue"), AutoCreateSubnetworks: ptr(false)}})
}

func TestRequestIDIsIdempotent(t *testing.T) {
	c := newCloud(t, google.Options{})
	id := ptr("2f1f5c3e-7a6d-4c48-9d0e-0d8a4a2b9c11")
	first, err := c.insertBlue(id)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.insertBlue(id)
	if err != nil || again.Name() != first.Name() {
		t.Errorf("repeated at once: %v, %v; want %s", again, err, first.Name())
	}
	c.done(first, nil)
	if again, err = c.insertBlue(id); err != nil || again.Name() != first.Name() || !again.Done() {
		t.Errorf("repeated later: %v, %v; want %s", again, err, first.Name())
	}
	_, err = c.insertBlue(ptr("2f1f5c3e-7a6d-4c48-9d0e-0d8a4a2b9c12"))
	c.refused(err, http.StatusConflict, "alreadyExists")
	// A refused request is not kept: the same id may be used again.
	c.done(client(c, compute.NewNetworksRESTClient).Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "blue"}))
	if op, err := c.insertBlue(ptr("2f1f5c3e-7a6d-4c48-9d0e-0d8a4a2b9c12")); err != nil || op.Name() == first.Name() {
		t.Errorf("%v, %v", op, err)
	}
}

func TestFailedOperation(t *testing.T) {
	for code, status := range map[string]int32{"": 500, "QUOTA_EXCEEDED": 403, "SOMETHING_NEW": 0} {
		t.Run(code, func(t *testing.T) {
			c := newCloud(t, google.Options{})
			fault := engine.Fault{Kind: engine.FaultActionFailed, Cloud: "google", Command: `networks\.insert`, Code: code, Count: 1}
			if _, err := c.eng.Faults.Add(fault); err != nil {
				t.Fatal(err)
			}
			op, err := c.insertBlue(nil)
			if code == "" {
				code = "INTERNAL_ERROR"
			}
			c.failed(op, err, code)
			// The answer itself is a success: the error is in the operation only.
			got, out := c.do("GET", "/global/operations/"+op.Name(), nil)
			if noted, _ := out["httpErrorStatusCode"].(float64); got != 200 || int32(noted) != status {
				t.Errorf("status %d, operation %v; want %d noted", got, out, status)
			}
			if got, _ := c.do("GET", "/global/networks/blue", nil); got != 404 {
				t.Errorf("the network of a failed operation answers %d", got)
			}
			c.done(c.insertBlue(nil))
		})
	}
}

func TestFaultsOfAnotherCloudDoNotStrike(t *testing.T) {
	c := newCloud(t, google.Options{})
	for _, f := range []engine.Fault{{Kind: engine.FaultActionFailed}, {Kind: engine.FaultLocationLost}, {Kind: engine.FaultError}, {Kind: engine.FaultDropBefore}} {
		f.Cloud = "hetzner"
		if _, err := c.eng.Faults.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	c.done(c.insertBlue(nil))
}

func TestOperationsOfAllScopes(t *testing.T) {
	c := newCloud(t, google.Options{})
	op, err := c.insertBlue(nil)
	c.done(op, err)
	c.subnet("s", "10.1.0.0/24")
	ops := client(c, compute.NewGlobalOperationsRESTClient)
	var names []string
	it := ops.List(c.ctx, &computepb.ListGlobalOperationsRequest{Project: testProject, Filter: ptr(fmt.Sprintf("(name = %q) OR (name = none)", op.Name()))})
	for o, err := it.Next(); err != iterator.Done; o, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.GetName())
	}
	if len(names) != 1 || names[0] != op.Name() {
		t.Errorf("listed %v, want %s", names, op.Name())
	}
	found := map[string]int{}
	all := ops.AggregatedList(c.ctx, &computepb.AggregatedListGlobalOperationsRequest{Project: testProject})
	for p, err := all.Next(); err != iterator.Done; p, err = all.Next() {
		if err != nil {
			t.Fatal(err)
		}
		found[p.Key] += len(p.Value.GetOperations())
		if len(p.Value.GetOperations()) == 0 && p.Value.GetWarning().GetCode() != "NO_RESULTS_ON_PAGE" {
			t.Errorf("%s is empty without a warning: %v", p.Key, p.Value)
		}
	}
	if found["global"] != 1 || found["regions/europe-west3"] != 1 || len(found) < 150 {
		t.Errorf("aggregated: %v", found)
	}
	if _, out := c.do("GET", "/regions/europe-west3/operations", nil); len(out["items"].([]any)) != 1 {
		t.Errorf("the region's operations: %v", out)
	}
	c.wantReason("GET", "/global/operations/operation-1-2-3-4", nil, 404, "notFound")
	c.wantReason("GET", "/regions/europe-west3/operations/"+op.Name(), nil, 404, "notFound")
	if _, err := ops.Delete(c.ctx, &computepb.DeleteGlobalOperationRequest{Project: testProject, Operation: op.Name()}); err != nil {
		t.Error(err)
	}
	c.wantReason("GET", "/global/operations/"+op.Name(), nil, 404, "notFound")
}

func TestWaitForOperation(t *testing.T) {
	c := newCloud(t, google.Options{})
	op, err := c.insertBlue(nil)
	if err != nil {
		t.Fatal(err)
	}
	wait := func(ctx context.Context) (*computepb.Operation, error) {
		return client(c, compute.NewGlobalOperationsRESTClient).Wait(ctx, &computepb.WaitGlobalOperationRequest{Project: testProject, Operation: op.Name()})
	}
	answers := make(chan *computepb.Operation, 1)
	go func() {
		o, err := wait(c.ctx)
		if err != nil {
			t.Error(err)
		}
		answers <- o
	}()
	select {
	case o := <-answers:
		t.Fatalf("answered at once: %v", o)
	case <-time.After(50 * time.Millisecond):
	}
	c.advance(time.Minute)
	if o := <-answers; o.GetStatus() != computepb.Operation_DONE {
		t.Errorf("waited for %v", o)
	}
	// One that never ends: the answer comes after two minutes.
	if _, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultActionStuck, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if op, err = client(c, compute.NewNetworksRESTClient).Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "blue"}); err != nil {
		t.Fatal(err)
	}
	go func() {
		for range 200 { // until the request is there, and beyond
			c.advance(time.Second)
			time.Sleep(time.Millisecond)
		}
	}()
	if o, err := wait(c.ctx); err != nil || o.GetStatus() == computepb.Operation_DONE {
		t.Errorf("a stuck operation: %v, %v", o, err)
	}
}

func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sim.db")
	clock := engine.NewClock(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), 0)
	var name string
	t.Run("before", func(t *testing.T) {
		c := newCloudOn(t, google.Options{}, engine.Options{DurationScale: 1, DataFile: file, Clock: clock})
		c.network("red")
		op, err := c.insertBlue(nil)
		if err != nil {
			t.Fatal(err)
		}
		name = op.Name()
	})
	t.Run("after", func(t *testing.T) {
		c := newCloudOn(t, google.Options{}, engine.Options{DurationScale: 1, DataFile: file, Clock: clock})
		if _, out := c.do("GET", "/global/operations/"+name, nil); out["status"] == "DONE" {
			t.Errorf("the operation ended while nothing ran: %v", out)
		}
		c.settle()
		if _, out := c.do("GET", "/global/operations/"+name, nil); out["status"] != "DONE" || out["error"] != nil {
			t.Errorf("the operation did not go on: %v", out)
		}
		for _, n := range []string{"red", "blue"} {
			if status, _ := c.do("GET", "/global/networks/"+n, nil); status != 200 {
				t.Errorf("network %s: %d", n, status)
			}
		}
		c.subnet("s", "10.1.0.0/24")
	})
}
