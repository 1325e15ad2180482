package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// Where the region stands, one after the other: the locations of
// examples/regions/failover.
const (
	fsn1   = "hetzner/fsn1"
	hel1   = "hetzner/hel1"
	hamina = "google/europe-north1-a"
)

// parallel is how a recovery is run: see the guide 'A data centre is gone'.
const parallel = "-parallelism=100"

// planFile is the saved plan of a recovery.
const planFile = "failover.tfplan"

// choice is what the operator writes, in the form of a file of variables. What
// is nil keeps the example's default.
type choice struct {
	Tenants       json.RawMessage `json:"tenants,omitempty"`
	Locations     []string        `json:"locations,omitempty"`
	LostLocations []string        `json:"lost_locations,omitempty"`
}

// write makes it the configuration's.
func (c choice) write(d *demo) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.work.Dir, "demo.auto.tfvars.json"), text, 0o644)
}

// standBy takes the region over into the configuration that has a stand-by
// with another vendor. Nothing changes by that but what the backup plan says
// that it protects.
func (d *demo) standBy(ctx context.Context) error {
	tenants, err := d.customers(ctx)
	if err != nil {
		return err
	}
	if err := d.enter("failover"); err != nil {
		return err
	}
	d.choice = choice{Tenants: tenants}
	if err := d.choice.write(d); err != nil {
		return err
	}
	if _, err := d.work.Run(ctx, "init", "-no-color"); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   The site gets a third location, with another vendor: %s, %s, %s.\n", fsn1, hel1, hamina)
	fmt.Fprintln(d.out, "   The backup plan protects it, too: none of the buckets stands there.")
	return d.applies(ctx, "a stand-by with another vendor", "0 added, 1 changed, 0 destroyed")
}

// unchanged applies what the operator wrote, which may change nothing but
// outputs.
func (d *demo) unchanged(ctx context.Context, name string) error {
	return d.applies(ctx, name, "0 added, 0 changed, 0 destroyed")
}

// applies applies what the operator wrote, which has to change so many objects.
func (d *demo) applies(ctx context.Context, name, want string) error {
	result, err := d.do(ctx, name, "apply", "-auto-approve", "-no-color")
	if err == nil && !strings.Contains(result.Stdout, want) {
		err = fmt.Errorf("%s: the apply changed something else than %s:\n%s", name, want, result.Stdout)
	}
	return err
}

// customers reads the variable tenants of the configuration in use.
func (d *demo) customers(ctx context.Context) (json.RawMessage, error) {
	if _, err := d.work.Run(ctx, "plan", "-out="+planFile, "-no-color"); err != nil {
		return nil, err
	}
	var plan struct {
		Variables struct {
			Tenants struct{ Value json.RawMessage }
		}
	}
	if err := d.showPlan(ctx, &plan); err != nil {
		return nil, err
	}
	if len(plan.Variables.Tenants.Value) == 0 {
		return nil, errors.New("the example no longer has a variable tenants")
	}
	return plan.Variables.Tenants.Value, nil
}

// showPlan reads the saved plan into value.
func (d *demo) showPlan(ctx context.Context, value any) error {
	result, err := d.work.Run(ctx, "show", "-json", planFile)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(result.Stdout), value)
}

// losesDataCentre lets one location refuse every call.
func (d *demo) losesDataCentre(ctx context.Context) error {
	d.chapter("A data centre is lost")
	if err := d.standBy(ctx); err != nil {
		return err
	}
	for _, of := range []string{simcloud.Hetzner, simcloud.S3} {
		fault := simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: of, Location: strings.TrimPrefix(fsn1, "hetzner/")}
		if _, err := d.sim.AddFault(fault); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.out, "   From now on %s refuses every call. One word in the configuration:\n", fsn1)
	if err := d.failOver(ctx, "recover in "+hel1, fsn1, hel1); err != nil {
		return err
	}
	for _, fault := range d.sim.Faults() {
		if fault.Struck != 0 {
			return fmt.Errorf("%d requests were about %s, which is lost", fault.Struck, fsn1)
		}
	}
	fmt.Fprintf(d.out, "   Of these requests, 0 were about anything in %s.\n\n", fsn1)
	return nil
}

// losesVendor lets all of Hetzner Cloud be gone.
func (d *demo) losesVendor(ctx context.Context) error {
	d.chapter("A whole vendor is lost")
	for _, of := range []string{simcloud.Hetzner, simcloud.S3} {
		if _, err := d.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: of, Mode: simcloud.ModeDrop}); err != nil {
			return err
		}
	}
	fmt.Fprintln(d.out, "   From now on nothing of Hetzner Cloud answers. One word in the configuration:")
	if err := d.failOver(ctx, "recover in "+hamina, "hetzner/*", hamina); err != nil {
		return err
	}
	if last := d.steps[len(d.steps)-1]; last.hetzner+last.s3 != 0 {
		return fmt.Errorf("%d requests went to Hetzner Cloud and %d to its object storage, which are lost", last.hetzner, last.s3)
	}
	fmt.Fprintf(d.out, "   Of these requests, 0 went to Hetzner. Of the buckets the two at Google can be used.\n\n")
	return nil
}

// failOver brings the region up in another location by one word. The plan may
// hold nothing but creations.
func (d *demo) failOver(ctx context.Context, name, lost, to string) error {
	fmt.Fprintf(d.out, "\n     lost_locations = [%q]\n\n", lost)
	d.choice.LostLocations = []string{lost}
	if err := d.choice.write(d); err != nil {
		return err
	}
	s := d.begin(name)
	if _, err := d.show(ctx, s, "plan", "-out="+planFile, "-no-color", parallel); err != nil {
		return err
	}
	var plan struct {
		Changes []struct {
			Address, Mode string
			Change        struct{ Actions []string }
		} `json:"resource_changes"`
	}
	if err := d.showPlan(ctx, &plan); err != nil {
		return err
	}
	for _, change := range plan.Changes {
		does := strings.Join(change.Change.Actions, ",")
		// The buckets and the backup plan are where they were.
		if stays := does == "no-op" && strings.HasPrefix(change.Address, "module.backups."); change.Mode == "managed" && does != "create" && !stays {
			return fmt.Errorf("the plan of a recovery holds more than creations: %s %v", change.Address, change.Change.Actions)
		}
	}
	if _, err := d.show(ctx, s, "apply", "-no-color", parallel, planFile); err != nil {
		return err
	}
	d.end(s)
	tenants, err := d.stands(ctx, to)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   The region stands in %s: all %d machines run.\n", to, len(tenants))
	return nil
}
