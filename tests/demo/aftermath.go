package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// vendorReturns has the lost vendor back: the region stays where it is, and
// what was left behind is found and deleted.
func (d *demo) vendorReturns(ctx context.Context) error {
	d.chapter("The vendor is back")
	d.sim.ClearFaults()
	d.choice.LostLocations, d.choice.Locations = nil, []string{hamina, fsn1, hel1}
	if err := d.choice.write(d); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   The region stays: %s becomes the site's first location, and the word is taken out.\n", hamina)
	if err := d.unchanged(ctx, "stay"); err != nil {
		return err
	}
	state, err := d.work.Run(ctx, "state", "pull")
	if err != nil {
		return err
	}
	file := filepath.Join(d.dir, "state.json")
	if err := os.WriteFile(file, []byte(state.Stdout), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }()
	return d.orphans(ctx, file)
}

// orphan is an object that nobody's state owns.
type orphan struct {
	ID, Kind, Location string
	Deleted            bool
}

// orphans finds what was left behind in both lost locations, and deletes it.
func (d *demo) orphans(ctx context.Context, state string) error {
	before := d.sim.GoogleInventory()
	found, err := d.holdfastOrphans(ctx, "find what was left behind", state)
	if err != nil {
		return err
	}
	tenants, err := d.stands(ctx, hamina)
	if err != nil {
		return err
	}
	// A network, a firewall, a volume and a machine a tenant, and two keys.
	if want := 2*4*len(tenants) + 2; len(found) != want {
		return fmt.Errorf("%d orphans, want %d", len(found), want)
	}
	gone, err := d.holdfastOrphans(ctx, "delete it", state, "--delete", "--yes")
	if err != nil {
		return err
	}
	if kept := slices.ContainsFunc(gone, func(o orphan) bool { return !o.Deleted }); kept || len(gone) != len(found) {
		return fmt.Errorf("not all orphans were deleted: %+v", gone)
	}
	for kind, count := range d.sim.Inventory() {
		if count != 0 {
			err = errors.Join(err, fmt.Errorf("%d objects of kind %s are left in Hetzner Cloud", count, kind))
		}
	}
	if !maps.Equal(before, d.sim.GoogleInventory()) {
		err = errors.Join(err, fmt.Errorf("deleting orphans changed what stands in Google Cloud: %v before, %v after", before, d.sim.GoogleInventory()))
	}
	if _, standsErr := d.stands(ctx, hamina); err != nil || standsErr != nil {
		return errors.Join(err, standsErr)
	}
	fmt.Fprintf(d.out, "   Nothing of the deployment is left in Hetzner Cloud; in Google Cloud all %d machines run on.\n\n", len(tenants))
	return nil
}

// holdfastOrphans runs `holdfast orphans` as a step, and prints what it
// answers as a table by location and kind.
func (d *demo) holdfastOrphans(ctx context.Context, name, state string, more ...string) ([]orphan, error) {
	arguments := append([]string{"orphans", "--deployment", deployment, "--state", state}, more...)
	fmt.Fprintf(d.out, "   $ holdfast %s\n", strings.ReplaceAll(strings.Join(arguments, " "), d.dir+string(filepath.Separator), ""))
	s := d.begin(name)
	command := exec.CommandContext(ctx, d.binary, append(arguments, "--json")...)
	command.Env = append(d.environment(), "PATH="+os.Getenv("PATH"), "HOME="+d.dir)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	began := time.Now()
	err := command.Run()
	s.wall = time.Since(began)
	var report struct{ Orphans []orphan }
	if parseErr := json.Unmarshal(out.Bytes(), &report); parseErr != nil {
		return nil, fmt.Errorf("holdfast orphans: %w, %w\n%s", err, parseErr, errs.String())
	}
	// It ends with 3 as long as there are orphans.
	if code := command.ProcessState.ExitCode(); code != 0 && (code != 3 || len(more) > 0) {
		return nil, fmt.Errorf("holdfast orphans ended with %d:\n%s", code, errs.String())
	}
	t := tabwriter.NewWriter(d.out, 2, 4, 2, ' ', 0)
	for _, line := range byPlace(report.Orphans) {
		fmt.Fprintf(t, "     %s\n", line)
	}
	if err := t.Flush(); err != nil {
		return nil, err
	}
	verb := "found"
	if len(more) > 0 {
		verb = "deleted"
	}
	fmt.Fprintf(d.out, "     %d objects %s\n", len(report.Orphans), verb)
	d.end(s)
	return report.Orphans, nil
}

// byPlace counts orphans by location and kind, in tabulated lines.
func byPlace(found []orphan) []string {
	places := map[string]map[string]int{}
	for _, one := range found {
		if places[one.Location] == nil {
			places[one.Location] = map[string]int{}
		}
		places[one.Location][one.Kind]++
	}
	var lines []string
	for _, place := range slices.Sorted(maps.Keys(places)) {
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(places[place])) {
			kinds = append(kinds, fmt.Sprintf("%s ×%d", kind, places[place][kind]))
		}
		lines = append(lines, place+"\t"+strings.Join(kinds, "\t"))
	}
	return lines
}
