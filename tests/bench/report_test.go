package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResultsOfSeveralRunsCompleteOneFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results", "latest.json")
	first := []result{{Metric: "m", N: 20, Value: 4, Unit: "requests", Who: "holdfast"}, {Metric: "m", N: 100, Value: 5, Unit: "requests", Who: "holdfast"}}
	second := []result{{Metric: "m", N: 100, Value: 4.5, Unit: "requests", Who: "holdfast"}, {Metric: "m", N: 100, Value: 33, Unit: "requests", Who: "hcloud"}}
	for _, results := range [][]result{first, second} {
		if err := write(file, results); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []result
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].N != 20 || got[1].Value != 4.5 || got[2].Who != "hcloud" {
		t.Errorf("the file holds %+v", got)
	}
	if err := os.WriteFile(file, []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(file, first); err == nil || !strings.Contains(err.Error(), "not a result file") {
		t.Errorf("a damaged file: %v", err)
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := table(&out, []result{{Metric: "hetzner.create.requests_per_tenant", N: 100, Value: 4.3, Unit: "requests", Who: "holdfast", Parallelism: 10}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"metric", "hetzner.create.requests_per_tenant", "100", "4.300", "holdfast", "requests"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}
