package google

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Patterns of the vendor's description.
var (
	namePattern    = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)
	projectPattern = regexp.MustCompile(`^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.[a-z0-9.-]+:)?[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$`)
	uuidPattern    = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	metadataKey    = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
)

// checkName checks a resource's name by RFC 1035.
func checkName(field, name string) error {
	if name == "" {
		return required(field)
	}
	if !namePattern.MatchString(name) {
		return invalid(field, name, "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'")
	}
	return nil
}

// checkDescription checks the length of a description; the vendor takes 2048
// characters.
func checkDescription(s string) error {
	if utf8.RuneCountInString(s) > 2048 {
		return invalid("resource.description", s[:40]+"…", "Must be at most 2048 characters in length.")
	}
	return nil
}

// checkLabels checks labels by the vendor's rules: at most 64 of them, keys and
// values of lower-case letters, digits, dashes and underscores, at most 63 long,
// keys beginning with a letter
// (https://cloud.google.com/compute/docs/labeling-resources#requirements).
func checkLabels(field string, labels map[string]string) error {
	if len(labels) > 64 {
		return invalid(field, fmt.Sprint(len(labels)), "The number of labels must not exceed 64.")
	}
	for k, v := range labels {
		if first, _ := utf8.DecodeRuneInString(k); !unicode.IsLetter(first) || !labelText(k) {
			return invalid(field, k, "Label key '%s' violates format constraints. The key must start with a lowercase character, "+
				"can only contain lowercase letters, numeric characters, underscores and dashes. The key can be at most 63 characters long. "+
				"International characters are allowed.", k)
		}
		if !labelText(v) {
			return invalid(field, v, "Label value '%s' violates format constraints. The value can only contain lowercase letters, "+
				"numeric characters, underscores and dashes. The value can be at most 63 characters long. International characters are allowed.", v)
		}
	}
	return nil
}

func labelText(s string) bool {
	return utf8.RuneCountInString(s) <= 63 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (!unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsUpper(r))
	})
}

// checkTag checks a network tag: a name as a resource has it.
func checkTag(field, tag string) error {
	if !namePattern.MatchString(tag) {
		return invalid(field, tag, "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'")
	}
	return nil
}

// oneOf checks an enumeration; the empty value is one that was not given.
func oneOf(field, value string, allowed ...string) error {
	if value == "" {
		return nil
	}
	for _, a := range allowed {
		if a == value {
			return nil
		}
	}
	return invalid(field, value, "Must be one of: %s", strings.Join(allowed, ", "))
}

// cleanPrefix parses a CIDR whose host bits are empty.
func cleanPrefix(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	return p, err == nil && p == p.Masked()
}

// emptyFingerprint is what the vendor shows for no labels or tags.
const emptyFingerprint = "42WmSpB8rSM="

// fingerprint identifies a value: base64 of 8 bytes, like the vendor's.
func fingerprint(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // only plain values are passed
		panic(fmt.Sprintf("google: fingerprint: %v", err))
	}
	switch string(b) {
	case "null", "{}", "[]":
		return emptyFingerprint
	}
	h := fnv.New64a()
	_, _ = h.Write(b)
	return base64Of(h.Sum(nil))
}
