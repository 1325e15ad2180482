package policy

import (
	"testing"
)

func TestParsePorts(t *testing.T) {
	for _, tc := range []struct {
		text     string
		from, to uint16
	}{{"1", 1, 1}, {"443", 443, 443}, {"65535", 65535, 65535}, {"8000-8010", 8000, 8010}, {"1-65535", 1, 65535}} {
		from, to, err := ParsePorts(tc.text)
		if err != nil || from != tc.from || to != tc.to || FormatPorts(from, to) != tc.text {
			t.Errorf("%s: %d-%d, %v", tc.text, from, to, err)
		}
	}
	if from, to, err := ParsePorts("80-80"); err != nil || from != 80 || to != 80 {
		t.Errorf("80-80: %d-%d, %v", from, to, err)
	}
	if FormatPorts(0, 0) != "" {
		t.Error("no ports are written as nothing")
	}
	for _, text := range []string{"", "0", "65536", "-1", "+1", "080", " 80", "80-", "-80", "80-90-100", "any", "80,443", "0-80", "1-70000"} {
		_, _, err := ParsePorts(text)
		expect(t, at("port", err), `- port | Not a port | is neither a port nor a range | from 1 to 65535`)
	}
	_, _, err := ParsePorts("90-80")
	expect(t, at("port", err), `- port | Port range backwards | "90-80" begins after its end | Write "80-90"`)
}

func FuzzParsePorts(f *testing.F) {
	for _, s := range []string{"80", "8000-8010", "0", "65536", "9-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		from, to, err := ParsePorts(text)
		if err != nil {
			return
		}
		if from == 0 || from > to {
			t.Fatalf("%q became %d-%d", text, from, to)
		}
		if f2, t2, err := ParsePorts(FormatPorts(from, to)); err != nil || f2 != from || t2 != to {
			t.Fatalf("%q does not round-trip", text)
		}
	})
}
