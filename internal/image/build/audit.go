package build

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Audit is the result of one audit on a booted machine.
type Audit struct {
	// Name is such as "lynis" or "anssi_bp28_high".
	Name string `json:"name"`
	// Score is in percent: Lynis' hardening index, or how many of the applicable
	// rules are kept.
	Score float64 `json:"score"`
	// Passed and Applicable count rules; Lynis gives none.
	Passed     int `json:"passed,omitempty"`
	Applicable int `json:"applicable,omitempty"`
	// Failed lists what failed, sorted.
	Failed []string `json:"failed"`
}

// Floor is the least score of an audit that an image may have.
func Floor(name string) (float64, bool) {
	floor, ok := map[string]float64{
		"lynis":                   88,
		"anssi_bp28_minimal":      100,
		"anssi_bp28_intermediary": 95,
		"anssi_bp28_enhanced":     85,
		"anssi_bp28_high":         80,
	}[name]
	return floor, ok
}

// Names of OpenSCAP's content.
const (
	ruleName    = "xccdf_org.ssgproject.content_rule_"
	profileName = "xccdf_org.ssgproject.content_profile_"
	anssi       = "anssi_bp28_"
)

// ReadXCCDF reads what `oscap xccdf eval --results` wrote of a run of the
// strictest profile of ANSSI BP-028, and scores it and the ones within it: a
// milder profile's rules are among those of the stricter.
func ReadXCCDF(from io.Reader) ([]Audit, error) {
	results, profiles := map[string]string{}, map[string][]string{}
	decoder := xml.NewDecoder(from)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch element.Name.Local {
		case "Profile":
			var p struct {
				ID     string `xml:"id,attr"`
				Select []struct {
					Rule     string `xml:"idref,attr"`
					Selected string `xml:"selected,attr"`
				} `xml:"select"`
			}
			if err := decoder.DecodeElement(&p, &element); err != nil {
				return nil, err
			}
			name := strings.TrimPrefix(p.ID, profileName)
			for _, s := range p.Select {
				if rule, ok := strings.CutPrefix(s.Rule, ruleName); ok && s.Selected == "true" {
					profiles[name] = append(profiles[name], rule)
				}
			}
		case "rule-result":
			var r struct {
				Rule   string `xml:"idref,attr"`
				Result string `xml:"result"`
			}
			if err := decoder.DecodeElement(&r, &element); err != nil {
				return nil, err
			}
			results[strings.TrimPrefix(r.Rule, ruleName)] = r.Result
		}
	}
	var audits []Audit
	for _, level := range []string{"minimal", "intermediary", "enhanced", "high"} {
		audit, err := score(anssi+level, profiles[anssi+level], results)
		if err != nil {
			return nil, err
		}
		audits = append(audits, audit)
	}
	return audits, nil
}

// score counts a profile's rules. What could not be judged counts as failed.
func score(name string, rules []string, results map[string]string) (Audit, error) {
	audit := Audit{Name: name, Failed: []string{}}
	for _, rule := range rules {
		switch result, ok := results[rule]; {
		case !ok || result == "notselected":
			return audit, fmt.Errorf("the results have nothing of rule %s: they are not of a run of %shigh", rule, anssi)
		case result == "pass" || result == "fixed":
			audit.Passed++
		case result == "notapplicable" || result == "notchecked" || result == "informational":
			continue
		default:
			audit.Failed = append(audit.Failed, rule)
		}
		audit.Applicable++
	}
	if audit.Applicable == 0 {
		return audit, fmt.Errorf("no rule of %s was applicable: is the content that of this Debian release?", name)
	}
	slices.Sort(audit.Failed)
	audit.Score = percent(audit.Passed, audit.Applicable)
	return audit, nil
}

// percent has one decimal place, rounded down: 94.96 is not 95.
func percent(part, whole int) float64 { return math.Floor(1000*float64(part)/float64(whole)) / 10 }

// ReadLynis reads Lynis' report (/var/log/lynis-report.dat).
func ReadLynis(from io.Reader) (Audit, error) {
	audit := Audit{Name: "lynis", Failed: []string{}}
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 1<<16), 1<<22)
	found := false
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch key {
		case "hardening_index":
			index, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return audit, fmt.Errorf("hardening_index: %w", err)
			}
			audit.Score, found = index, true
		case "warning[]", "suggestion[]":
			test, _, _ := strings.Cut(value, "|")
			audit.Failed = append(audit.Failed, test)
		}
	}
	slices.Sort(audit.Failed)
	audit.Failed = slices.Compact(audit.Failed)
	if lines.Err() == nil && !found {
		return audit, fmt.Errorf("the report has no hardening_index: did the audit end?")
	}
	return audit, lines.Err()
}

// Below lists the audits that are below their floor.
func Below(audits []Audit) []string {
	var below []string
	for _, a := range audits {
		if floor, ok := Floor(a.Name); ok && a.Score < floor {
			below = append(below, fmt.Sprintf("%s: %.1f, and at least %.0f is asked", a.Name, a.Score, floor))
		}
	}
	return below
}
