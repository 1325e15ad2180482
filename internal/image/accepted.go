package image

import (
	_ "embed"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed accepted.yaml
var acceptedText []byte

// Accepted are the rules of audits that an image does not keep.
type Accepted struct{ reasons map[string]string }

// LoadAccepted reads the embedded list.
func LoadAccepted() (Accepted, error) {
	var a Accepted
	if err := yaml.Unmarshal(acceptedText, &a.reasons); err != nil {
		return a, fmt.Errorf("accepted.yaml: %w", err)
	}
	for rule, reason := range a.reasons {
		if len(strings.TrimSpace(reason)) < 20 {
			return a, fmt.Errorf("accepted.yaml: %s has no reason", rule)
		}
	}
	return a, nil
}

// Reason says why a rule is not kept; empty if it is not accepted.
func (a Accepted) Reason(rule string) string {
	if reason, ok := a.reasons[rule]; ok {
		return oneLine(reason)
	}
	for name, reason := range a.reasons {
		if prefix, ok := strings.CutSuffix(name, "*"); ok && strings.HasPrefix(rule, prefix) {
			return oneLine(reason)
		}
	}
	return ""
}
