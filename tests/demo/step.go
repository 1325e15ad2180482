package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// step is what one or more commands cost.
type step struct {
	name            string
	wall            time.Duration
	requests        harness.Requests
	hetzner, google int
	// s3 and gcs are the object stores of the two.
	s3, gcs int
	peak    int64
}

// command is what a person types to run the command line.
func (d *demo) command() string { return filepath.Base(d.cli.Path) }

// chapter prints a heading.
func (d *demo) chapter(title string) {
	fmt.Fprintf(d.out, "━━ %s %s\n\n", title, strings.Repeat("━", max(3, 76-len([]rune(title)))))
}

// begin starts a step; its commands are run with show.
func (d *demo) begin(name string) *step {
	d.sim.ResetRequests()
	return &step{name: name}
}

// show runs one command of a step, and prints it with the lines of its output
// that matter.
func (d *demo) show(ctx context.Context, s *step, arguments ...string) (harness.Result, error) {
	var shown []string
	for _, argument := range arguments {
		if argument != "-no-color" {
			shown = append(shown, strings.ReplaceAll(argument, d.dir+string(filepath.Separator), ""))
		}
	}
	fmt.Fprintf(d.out, "   $ %s %s\n", d.command(), strings.Join(shown, " "))
	result, err := d.work.Run(ctx, arguments...)
	s.wall += result.Wall
	s.peak = max(s.peak, result.ProviderPeakRSS)
	if err != nil {
		return result, err
	}
	for line := range strings.Lines(result.Stdout) {
		for _, beginning := range []string{"Apply complete!", "Destroy complete!", "No changes.", "Plan:", "Import successful!"} {
			if strings.HasPrefix(line, beginning) {
				fmt.Fprintf(d.out, "     %s", line)
			}
		}
	}
	return result, nil
}

// end closes a step, with what it cost.
func (d *demo) end(s *step) {
	s.requests = d.sim.Counts()
	s.hetzner, s.google = d.sim.CountsOf(simcloud.Hetzner).Total, d.sim.CountsOf(simcloud.Google).Total
	s.s3, s.gcs = d.sim.CountsOf(simcloud.S3).Total, d.sim.CountsOf(simcloud.GCS).Total
	d.steps = append(d.steps, *s)
	fmt.Fprintf(d.out, "   %s\n\n", s.cost())
}

// cost says what a step took.
func (s *step) cost() string {
	var whom []string
	for _, one := range []struct {
		name     string
		requests int
	}{{"Hetzner Cloud", s.hetzner}, {"its object storage", s.s3}, {"Google Cloud", s.google}, {"Cloud Storage", s.gcs}} {
		if one.requests > 0 {
			whom = append(whom, fmt.Sprintf("%s %d", one.name, one.requests))
		}
	}
	plural := "s"
	if s.requests.Total == 1 {
		plural = ""
	}
	return fmt.Sprintf("%d API request%s (%s), %.1f s", s.requests.Total, plural, strings.Join(whom, ", "), s.wall.Seconds())
}

// do runs one command as a step of its own.
func (d *demo) do(ctx context.Context, name string, arguments ...string) (harness.Result, error) {
	s := d.begin(name)
	result, err := d.show(ctx, s, arguments...)
	if err != nil {
		return result, err
	}
	d.end(s)
	return result, nil
}

// summary prints what each step cost.
func (d *demo) summary() {
	d.chapter("What it cost")
	t := tabwriter.NewWriter(d.out, 2, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "step\tHetzner\tS3\tGoogle\tGCS\treads\twrites\tpolls\tseconds\tprovider MiB\t")
	for _, s := range d.steps {
		reads, writes, polls := s.requests.Split()
		memory := "-"
		if s.peak > 0 {
			memory = fmt.Sprint(s.peak >> 20)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%s\t\n", s.name, s.hetzner, s.s3, s.google, s.gcs, reads, writes, polls, s.wall.Seconds(), memory)
	}
	_ = t.Flush()
}
