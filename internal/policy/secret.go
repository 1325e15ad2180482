package policy

import (
	"regexp"
	"strings"
)

// privateKeyMarks are what the common forms of private keys cannot be without.
// Letter case is ignored, since an editor may have changed it, and the secret
// is one all the same.
var privateKeyMarks = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"an OpenSSH private key", regexp.MustCompile(`(?i)BEGIN\s+OPENSSH\s+PRIVATE\s+KEY|b3BlbnNzaC1rZXktdjE`)},
	{"a PGP private key", regexp.MustCompile(`(?i)BEGIN\s+PGP\s+PRIVATE\s+KEY`)},
	// PKCS#1, PKCS#8 (also encrypted), SEC 1, DSA and SSH2 ("---- BEGIN SSH2
	// ENCRYPTED PRIVATE KEY ----").
	{"a private key in PEM form", regexp.MustCompile(`(?i)BEGIN\s+([A-Z0-9]+\s+){0,3}PRIVATE\s+KEY`)},
	{"a PuTTY private key", regexp.MustCompile(`(?i)PuTTY-User-Key-File-|Private-Lines\s*:`)},
	{"an age identity", regexp.MustCompile(`(?i)AGE-SECRET-KEY-|AGE-PLUGIN-[A-Z0-9-]*-1`)},
	{"a private JSON web key", regexp.MustCompile(`(?is)"kty"\s*:.*"d"\s*:|"d"\s*:.*"kty"\s*:`)},
}

// privateKey tells whether a text holds a private key, and of which kind. The
// kind is one of a few fixed phrases: it never repeats the text.
func privateKey(text string) (kind string, found bool) {
	for _, mark := range privateKeyMarks {
		if mark.pattern.MatchString(text) {
			return mark.name, true
		}
	}
	// Some tools wrap base64 at any column: look once more without the breaks.
	if strings.Contains(strings.Join(strings.Fields(text), ""), "b3BlbnNzaC1rZXktdjE") {
		return privateKeyMarks[0].name, true
	}
	return "", false
}
