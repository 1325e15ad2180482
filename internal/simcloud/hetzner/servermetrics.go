package hetzner

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The vendor's bounds of a series: what is chosen without a step, and what a
// step is adjusted to.
const (
	usualSamples = 200
	maxSamples   = 500
)

// metricSeries are the series of each type of metrics, with a typical value.
var metricSeries = map[string]map[string]float64{
	"cpu":  {"cpu": 12},
	"disk": {"disk.0.iops.read": 3, "disk.0.iops.write": 8, "disk.0.bandwidth.read": 40e3, "disk.0.bandwidth.write": 120e3},
	"network": {"network.0.pps.in": 20, "network.0.pps.out": 18,
		"network.0.bandwidth.in": 15e3, "network.0.bandwidth.out": 12e3},
}

type timeSeries struct {
	Values [][2]any `json:"values"`
}

// serverMetrics answers made-up but repeatable measurements: a daily wave, and
// zero while the server did not run.
func serverMetrics(c *call) (any, error) {
	s, err := c.server()
	if err != nil {
		return nil, err
	}
	var v fields
	q := c.query()
	var types []string
	for _, t := range q["type"] {
		types = append(types, strings.Split(t, ",")...)
	}
	if len(types) == 0 {
		v.add("type", "missing data for required field")
	}
	for _, t := range types {
		if metricSeries[t] == nil {
			v.add("type", "must be one of: cpu, disk, network")
		}
	}
	start, end := metricTime(&v, "start", q.Get("start")), metricTime(&v, "end", q.Get("end"))
	if len(v) == 0 && !start.Before(end) {
		v.add("end", "must be after start")
	}
	step := 0.0
	if text := q.Get("step"); text != "" {
		if step, err = strconv.ParseFloat(text, 64); err != nil || step < 1 {
			v.add("step", "must be a positive number of seconds")
		}
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	span := end.Sub(start).Seconds()
	if step == 0 {
		step = math.Ceil(span / usualSamples)
	}
	step = max(step, math.Ceil(span/maxSamples), 1)
	series := map[string]timeSeries{}
	for _, t := range types {
		for name, typical := range metricSeries[t] {
			series[name] = timeSeries{Values: samples(s, typical, start, end, step)}
		}
	}
	return map[string]any{"metrics": map[string]any{"start": timestamp(start), "end": timestamp(end), "step": step, "time_series": series}}, nil
}

func samples(s *Server, typical float64, start, end time.Time, step float64) [][2]any {
	out := [][2]any{}
	for at := float64(start.Unix()); at < float64(end.Unix()); at += step {
		value := 0.0
		if s.Status == running && at >= float64(s.Started.Unix()) {
			value = typical * (1 + 0.5*math.Sin(2*math.Pi*at/86400+float64(s.ID%24)))
		}
		out = append(out, [2]any{at, fmt.Sprintf("%.6f", value)})
	}
	return out
}

func metricTime(v *fields, field, text string) time.Time {
	if text == "" {
		v.add(field, "missing data for required field")
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		v.add(field, "is not a valid RFC 3339 time")
	}
	return t
}
