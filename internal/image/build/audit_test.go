package build

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// xccdf is a results file: four nested profiles over the rules a to e.
func xccdf(results map[string]string) string {
	var s strings.Builder
	s.WriteString(`<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2">`)
	for i, level := range []string{"minimal", "intermediary", "enhanced", "high"} {
		fmt.Fprintf(&s, `<Profile id="%sanssi_bp28_%s">`, profileName, level)
		for _, rule := range []string{"a", "b", "c", "d", "e"}[:i+2] {
			fmt.Fprintf(&s, `<select idref="%s%s" selected="true"/>`, ruleName, rule)
		}
		fmt.Fprintf(&s, `<select idref="%sz" selected="false"/></Profile>`, ruleName)
	}
	s.WriteString("<TestResult>")
	for rule, result := range results {
		fmt.Fprintf(&s, `<rule-result idref="%s%s"><result>%s</result></rule-result>`, ruleName, rule, result)
	}
	s.WriteString("</TestResult></Benchmark>")
	return s.String()
}

func TestReadXCCDF(t *testing.T) {
	audits, err := ReadXCCDF(strings.NewReader(xccdf(map[string]string{"a": "pass", "b": "fail", "c": "notapplicable", "d": "error", "e": "pass"})))
	if err != nil {
		t.Fatal(err)
	}
	if a := audits[0]; a.Name != "anssi_bp28_minimal" || a.Score != 50 || !slices.Equal(a.Failed, []string{"b"}) {
		t.Errorf("minimal: %+v", a)
	}
	if a := audits[2]; a.Passed != 1 || a.Applicable != 3 || a.Score != 33.3 || !slices.Equal(a.Failed, []string{"b", "d"}) {
		t.Errorf("enhanced: what could not be judged has to count as failed: %+v", a)
	}
	if below := Below(audits); len(below) != 4 || !strings.Contains(below[0], "minimal: 50.0, and at least 100") {
		t.Errorf("got %q", below)
	}
	if _, err := ReadXCCDF(strings.NewReader(xccdf(map[string]string{"a": "pass", "b": "pass"}))); err == nil || !strings.Contains(err.Error(), "nothing of rule c") {
		t.Errorf("a run of a milder profile is scored: %v", err)
	}
	if _, err := ReadXCCDF(strings.NewReader(xccdf(map[string]string{"a": "notapplicable", "b": "notapplicable", "c": "pass", "d": "pass", "e": "pass"}))); err == nil || !strings.Contains(err.Error(), "was applicable") {
		t.Errorf("content of another release is scored: %v", err)
	}
}

func TestPercentNeverRoundsUp(t *testing.T) {
	if got := percent(9496, 10000); got != 94.9 {
		t.Errorf("got %v", got)
	}
}

func TestReadLynis(t *testing.T) {
	audit, err := ReadLynis(strings.NewReader("# report\nsuggestion[]=BOOT-5122|Set a password|-|-|\nwarning[]=FIRE-4512|x|\nsuggestion[]=BOOT-5122|again|\nhardening_index=87\n"))
	if err != nil || audit.Score != 87 || !slices.Equal(audit.Failed, []string{"BOOT-5122", "FIRE-4512"}) {
		t.Errorf("got %+v, %v", audit, err)
	}
	if len(Below([]Audit{audit})) != 1 {
		t.Error("87 is enough")
	}
	if _, err := ReadLynis(strings.NewReader("suggestion[]=A|b|\n")); err == nil {
		t.Error("a report that is cut off is scored")
	}
}
