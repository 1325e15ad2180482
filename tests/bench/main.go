package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// settings are what one run measures.
type settings struct {
	cli         harness.CLI
	provider    harness.Provider
	peer        *harness.Provider
	sizes       []int
	parallelism []int
	clouds      []string
	recovery    int
	// tenants are those of the inventory of backups, and packs the data objects
	// that each has in a bucket; 0 tenants for none.
	tenants, packs int
	// scale is how long the clouds' work takes, as a share of its usual time.
	scale     float64
	lifecycle bool
	core      bool
	verbose   bool
	dir       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "\nThe benchmark failed: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	provider := flags.String("provider", "bin/terraform-provider-holdfast", "the built provider")
	sizes := flags.String("n", os.Getenv("N"), "numbers of tenants, comma separated (default 20,100)")
	parallelism := flags.String("parallelism", "10,50", "values of terraform's -parallelism; from 300 tenants on, and from 100 in Google Cloud, the largest only")
	which := flags.String("cloud", "both", "where the stack stands: hetzner, google, or both")
	peer := flags.String("hcloud", os.Getenv("HCLOUD_PROVIDER"), "the official hcloud provider's binary, measured in the same run")
	lifecycle := flags.Bool("lifecycle", true, "measure create, a plan without a change, and destroy")
	core := flags.Bool("core", true, "compare a plan without a change with a provider that does nothing")
	recovery := flags.Int("recovery", 20, "tenants of an estate that is lost and recovered; 0 for none")
	tenants := flags.Int("inventory", 1000, "tenants whose backups in three buckets are looked through, with -cloud both; 0 for none")
	packs := flags.Int("packs", packsOfTenant, "data objects beside each tenant's backups in each bucket")
	verbose := flags.Bool("v", false, "tell every ten seconds how far a step is")
	out := flags.String("out", "bench-results/latest.json", "the result file")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *sizes == "" {
		*sizes = "20,100"
	}
	s := settings{scale: 1, provider: harness.Holdfast(*provider), recovery: *recovery, tenants: *tenants, packs: *packs, lifecycle: *lifecycle, core: *core, verbose: *verbose}
	var err error
	if s.clouds, err = clouds(*which); err != nil {
		return err
	}
	if s.sizes, err = integers(*sizes); err != nil {
		return err
	}
	if s.parallelism, err = integers(*parallelism); err != nil {
		return err
	}
	if *peer != "" {
		s.peer = &harness.Provider{Source: "hetznercloud/hcloud", Binary: *peer, Version: "1.0.0"}
	}
	if s.cli, err = harness.FindCLI(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "holdfast-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(s.dir) }()
	fmt.Printf("%s. The request limits are the vendors' own, full at the start of each step:\n"+
		"Hetzner Cloud 3,600 an hour, Google Cloud 1,500 a minute and group of methods.\n\n", s.cli.Version)
	results, err := s.all(ctx)
	if len(results) > 0 {
		fmt.Println()
		if err := table(os.Stdout, results); err != nil {
			return err
		}
		if err := write(*out, results); err != nil {
			return err
		}
		fmt.Printf("\n%s\n", *out)
	}
	for _, figure := range tooMuch(results) {
		err = errors.Join(err, errors.New(figure))
	}
	return err
}

// all measures everything; what was measured before an error is returned too.
func (s settings) all(ctx context.Context) ([]result, error) {
	var results []result
	for _, n := range s.sizes {
		for _, cloud := range s.clouds {
			measure := s.hetzner
			if cloud == simcloud.Google {
				measure = s.google
			}
			found, err := measure(ctx, n)
			results = append(results, found...)
			if err != nil {
				return results, err
			}
		}
	}
	if s.tenants > 0 && len(s.clouds) == 2 {
		found, err := s.inventory(ctx, s.tenants, s.packs)
		results = append(results, found...)
		if err != nil {
			return results, err
		}
	}
	if s.recovery == 0 {
		return results, nil
	}
	for _, l := range losses(s.clouds) {
		found, err := s.recover(ctx, l, s.recovery)
		results = append(results, found...)
		if err != nil {
			return results, fmt.Errorf("%s: %w", l.metric, err)
		}
	}
	return results, nil
}

// hetzner measures n tenants in Hetzner Cloud.
func (s settings) hetzner(ctx context.Context, n int) (results []result, err error) {
	parallelism := s.parallelism
	if n >= 300 {
		parallelism = parallelism[len(parallelism)-1:]
	}
	if s.lifecycle {
		if results, err = s.each(ctx, parallelism, n, holdfast()); err != nil {
			return results, err
		}
	}
	if s.peer != nil && s.lifecycle {
		// The peer may well fail under the real limit: that is a result.
		found, err := s.measure(ctx, hcloud(), *s.peer, n, parallelism[0])
		results = append(results, found...)
		if err != nil {
			fmt.Printf("hcloud, %d tenants: %v\n", n, err)
		}
	}
	if s.core {
		found, err := s.corePlan(ctx, n)
		results = append(results, found...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// google measures n tenants in Google Cloud. Its operations take their time,
// so many tenants are measured at the largest parallelism only.
func (s settings) google(ctx context.Context, n int) (results []result, err error) {
	if !s.lifecycle {
		return nil, nil
	}
	parallelism := s.parallelism
	if n >= 100 {
		parallelism = parallelism[len(parallelism)-1:]
	}
	if results, err = s.each(ctx, parallelism, n, google()); err != nil {
		return results, err
	}
	alike, err := s.each(ctx, parallelism[len(parallelism)-1:], n, googleAlike())
	return append(results, alike...), err
}

// each measures Holdfast at several values of terraform's -parallelism.
func (s settings) each(ctx context.Context, parallelism []int, n int, c contender) (results []result, err error) {
	for _, p := range parallelism {
		found, err := s.measure(ctx, c, s.provider, n, p)
		results = append(results, found...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// clouds reads the flag that names them.
func clouds(text string) ([]string, error) {
	switch text {
	case "both":
		return []string{simcloud.Hetzner, simcloud.Google}, nil
	case simcloud.Hetzner, simcloud.Google:
		return []string{text}, nil
	}
	return nil, fmt.Errorf("-cloud is hetzner, google or both, not %q", text)
}

func integers(text string) ([]int, error) {
	var found []int
	for _, field := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number above zero", field)
		}
		found = append(found, n)
	}
	return found, nil
}
