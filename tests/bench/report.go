package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
)

// result is one measured figure; the file is a flat list of them.
type result struct {
	Metric string  `json:"metric"`
	N      int     `json:"n"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Who    string  `json:"who"`
	// Parallelism is Terraform's -parallelism; 0 where it does not matter.
	Parallelism int `json:"parallelism,omitempty"`
}

// merge replaces what was measured again, so that runs with different N
// complete one file.
func merge(old, fresh []result) []result {
	same := func(a, b result) bool {
		return a.Metric == b.Metric && a.N == b.N && a.Who == b.Who && a.Parallelism == b.Parallelism
	}
	kept := slices.DeleteFunc(slices.Clone(old), func(r result) bool {
		return slices.ContainsFunc(fresh, func(f result) bool { return same(r, f) })
	})
	return append(kept, fresh...)
}

// write stores the results in the file, together with what it held of other
// measurements.
func write(file string, fresh []result) error {
	var old []result
	if text, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(text, &old); err != nil {
			return fmt.Errorf("%s is not a result file; remove it: %w", file, err)
		}
	}
	text, err := json.MarshalIndent(merge(old, fresh), "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// table prints the results, one line each.
func table(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "metric\tn\tparallelism\twho\tvalue\tunit\t")
	for _, r := range results {
		parallelism := "-"
		if r.Parallelism > 0 {
			parallelism = fmt.Sprint(r.Parallelism)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%.3f\t%s\t\n", r.Metric, r.N, parallelism, r.Who, r.Value, r.Unit)
	}
	return t.Flush()
}
