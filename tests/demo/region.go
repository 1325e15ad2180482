package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// region brings the region up, shows that it stands as declared, changes it
// and imports from it.
func (d *demo) region(ctx context.Context) error {
	d.chapter("A region in " + fsn1)
	if err := d.enter("single"); err != nil {
		return err
	}
	if _, err := d.work.Run(ctx, "init", "-no-color"); err != nil {
		return err
	}
	if _, err := d.do(ctx, "create", "apply", "-auto-approve", "-no-color"); err != nil {
		return err
	}
	if _, err := d.do(ctx, "plan without a change", "plan", "-detailed-exitcode", "-no-color"); err != nil {
		return fmt.Errorf("the second plan is not empty: %w", err)
	}
	if err := d.inventory(ctx); err != nil {
		return err
	}
	if err := d.change(ctx); err != nil {
		return err
	}
	return d.imported(ctx)
}

// change grows one tenant's volume in place.
func (d *demo) change(ctx context.Context) error {
	tenants, err := os.ReadFile(filepath.Join(d.work.Dir, "variables.tf"))
	if err != nil {
		return err
	}
	grown := strings.Replace(string(tenants), "data_gb = 100", "data_gb = 200", 1)
	if grown == string(tenants) {
		return errors.New("the example no longer has a tenant with a volume of 100 GB to grow")
	}
	if err := os.WriteFile(filepath.Join(d.work.Dir, "variables.tf"), []byte(grown), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "   aldgate's volume grows from 100 to 200 GB:")
	result, err := d.do(ctx, "grow a volume", "apply", "-auto-approve", "-no-color")
	if err != nil {
		return err
	}
	if !strings.Contains(result.Stdout, "0 added, 1 changed, 0 destroyed") {
		return fmt.Errorf("growing a volume did not change exactly one object:\n%s", result.Stdout)
	}
	return nil
}

// tenant is one row of the examples' output.
type tenant struct {
	ID          string `json:"id"`
	Tier        string `json:"tier"`
	ServerType  string `json:"server_type"`
	PrivateIP   string `json:"private_ip"`
	IPv4Address string `json:"ipv4_address"`
	Status      string `json:"status"`
}

// output reads an output of the configuration into value.
func (d *demo) output(ctx context.Context, name string, value any) error {
	result, err := d.work.Run(ctx, "output", "-json", name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(result.Stdout), value); err != nil {
		return fmt.Errorf("read the output %s: %w", name, err)
	}
	return nil
}

// stands reads the tenants' machines, and fails unless all of them run in the
// location.
func (d *demo) stands(ctx context.Context, location string) (map[string]tenant, error) {
	var (
		at      string
		tenants map[string]tenant
	)
	if err := errors.Join(d.output(ctx, "location", &at), d.output(ctx, "tenants", &tenants)); err != nil {
		return nil, err
	}
	var err error
	if at != location || len(tenants) == 0 {
		err = fmt.Errorf("%d tenants stand in %s, want some in %s", len(tenants), at, location)
	}
	for name, v := range tenants {
		if !strings.EqualFold(v.Status, "running") || v.PrivateIP == "" || v.IPv4Address == "" || v.ServerType == "" || !strings.HasPrefix(v.ID, location+"/") {
			err = errors.Join(err, fmt.Errorf("tenant %s is not as declared: %+v", name, v))
		}
	}
	return tenants, err
}

// inventory prints what exists and compares it with what the embedded clouds
// hold.
func (d *demo) inventory(ctx context.Context) error {
	tenants, err := d.stands(ctx, fsn1)
	t := tabwriter.NewWriter(d.out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(t, "   tenant\ttier\tserver type\tprivate\tpublic\tstatus\tid")
	for _, name := range slices.Sorted(maps.Keys(tenants)) {
		v := tenants[name]
		fmt.Fprintf(t, "   %s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, v.Tier, v.ServerType, v.PrivateIP, v.IPv4Address, v.Status, v.ID)
	}
	if flushErr := t.Flush(); flushErr != nil {
		return flushErr
	}
	n := len(tenants)
	want := map[string]int{"server": n, "volume": n, "network": n, "firewall": n, "ssh_key": 2, "bucket": 3}
	got := d.left()
	for kind, count := range want {
		if got[kind] != count {
			err = errors.Join(err, fmt.Errorf("the cloud holds %d objects of kind %s, want %d", got[kind], kind, count))
		}
	}
	fmt.Fprintf(d.out, "\n   The cloud holds %d servers, %d volumes, %d networks, %d firewalls and %d SSH keys;\n   %d buckets in three data centres on two continents are there for backups.\n\n",
		got["server"], got["volume"], got["network"], got["firewall"], got["ssh_key"], got["bucket"])
	return err
}

// imported takes one machine into a second, empty state by its id.
func (d *demo) imported(ctx context.Context) error {
	tenants, err := d.stands(ctx, fsn1)
	if err != nil {
		return err
	}
	state := filepath.Join(d.dir, "imported.tfstate")
	defer func() { _ = os.Remove(state) }()
	_, err = d.do(ctx, "import a VM into an empty state", "import", "-no-color", "-state-out="+state, "-state="+state,
		`module.paid["aldgate"].holdfast_vm.this`, tenants["aldgate"].ID)
	return err
}

// destroy takes the region down and sees that nothing is left in any cloud.
func (d *demo) destroy(ctx context.Context) error {
	d.chapter("Clean up")
	if _, err := d.do(ctx, "destroy", "destroy", "-auto-approve", "-no-color", parallel); err != nil {
		return err
	}
	for kind, count := range d.left() {
		if count != 0 {
			return fmt.Errorf("%d objects of kind %s are left in the clouds", count, kind)
		}
	}
	fmt.Fprintf(d.out, "   Nothing is left in either cloud.\n\n")
	return nil
}

// left counts what the clouds hold, by kind.
func (d *demo) left() map[string]int {
	all := d.sim.Inventory()
	maps.Copy(all, d.sim.GoogleInventory())
	all["bucket"] = len(d.sim.Objects("bucket"))
	return all
}
