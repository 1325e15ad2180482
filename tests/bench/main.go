package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// settings are what one run measures.
type settings struct {
	cli         harness.CLI
	provider    harness.Provider
	peer        *harness.Provider
	sizes       []int
	parallelism []int
	lifecycle   bool
	core        bool
	verbose     bool
	dir         string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe benchmark failed: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	provider := flags.String("provider", "bin/terraform-provider-holdfast", "the built provider")
	sizes := flags.String("n", os.Getenv("N"), "numbers of tenants, comma separated (default 20,100)")
	parallelism := flags.String("parallelism", "10,50", "values of terraform's -parallelism; from 300 tenants on the largest only")
	peer := flags.String("hcloud", os.Getenv("HCLOUD_PROVIDER"), "the official hcloud provider's binary, measured in the same run")
	lifecycle := flags.Bool("lifecycle", true, "measure create, a plan without a change, and destroy")
	core := flags.Bool("core", true, "compare a plan without a change with a provider that does nothing")
	verbose := flags.Bool("v", false, "tell every ten seconds how far a step is")
	out := flags.String("out", "bench-results/latest.json", "the result file")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *sizes == "" {
		*sizes = "20,100"
	}
	s := settings{provider: harness.Holdfast(*provider), lifecycle: *lifecycle, core: *core, verbose: *verbose}
	var err error
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
	fmt.Printf("%s, Hetzner Cloud's limit of 3,600 requests an hour, full at the start of each step\n\n", s.cli.Version)
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
	return err
}

// all measures everything; what was measured before an error is returned too.
func (s settings) all(ctx context.Context) ([]result, error) {
	var results []result
	for _, n := range s.sizes {
		parallelism := s.parallelism
		if n >= 300 {
			parallelism = parallelism[len(parallelism)-1:]
		}
		for _, p := range parallelism {
			if !s.lifecycle {
				break
			}
			found, err := s.measure(ctx, holdfast(), s.provider, n, p)
			results = append(results, found...)
			if err != nil {
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
	}
	return results, nil
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
