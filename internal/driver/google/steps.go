package google

import (
	"slices"
	"strings"
)

// missing gives the elements of want that are not in have, in want's order
// and each once.
func missing[E comparable](have, want []E) []E {
	var absent []E
	for _, e := range want {
		if !slices.Contains(have, e) && !slices.Contains(absent, e) {
			absent = append(absent, e)
		}
	}
	return absent
}

// quoted joins texts for a message.
func quoted(texts []string) string { return strings.Join(texts, ", ") }
