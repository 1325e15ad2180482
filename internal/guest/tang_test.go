package guest

import (
	"strings"
	"testing"
)

func TestParseTangURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://tang.example.com": "", "https://tang.example.com:7500/a/": "", "http://[fd00::1]:80": "",
		"": "not a URL of the form", "tang.example.com": "not a URL of the form", "ftp://x": "not a URL of the form", "http:x": "not a URL of the form", "http://": "not a URL of the form",
		"http://%": "is not a URL", "http://ada:pw@x": "holds credentials", "http://x?y": "a query", "http://x?": "a query", "http://x#y": "a fragment",
	} {
		got, err := ParseTangURL(text)
		switch {
		case want == "" && (err != nil || got != strings.TrimRight(text, "/")):
			t.Errorf("%q: %q, %v", text, got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw")):
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestIsSealed(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "a.b.c.d.e": false, "e30.b.c.d.e": false, "!.b.c.d.e": false, "eyJjbGV2aXMiOnt9fQ.b.c.d.e": true, "eyJjbGV2aXMiOnt9fQ.b.c.d": false,
	} {
		if IsSealed([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
