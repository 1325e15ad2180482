package policy

import (
	"errors"
	"fmt"
	"strings"
)

// Finding is one thing that is wrong with a spec. It is an error, so that
// parsers can answer with it.
type Finding struct {
	// Promise is the identifier of the promise that would be broken, empty
	// for input that is merely malformed.
	Promise string
	// Field is the path of the attribute at fault, in the words of the
	// Terraform schema and the form that ParseField reads: "rules[2].networks".
	// Indexes count in the order in which the caller gave the values. It is
	// empty in what a parser of a single value answers.
	Field string
	// Summary is a short phrase that begins with a capital and has no full stop.
	Summary string
	// Detail says what is wrong, in sentences.
	Detail string
	// Remedy says what to do, in sentences.
	Remedy string
}

// Error gives all of it in one line: "SSH key too short (SYS-3): …".
func (f Finding) Error() string {
	var b strings.Builder
	b.WriteString(f.Summary)
	if f.Promise != "" {
		fmt.Fprintf(&b, " (%s)", f.Promise)
	}
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	if f.Remedy != "" {
		b.WriteString(" " + f.Remedy)
	}
	return b.String()
}

// at turns a parser's answer into findings about a field.
func at(field string, err error) []Finding {
	if err == nil {
		return nil
	}
	var f Finding
	if !errors.As(err, &f) {
		f = Finding{Summary: "Invalid value", Detail: sentence(err.Error())}
	}
	f.Field = field
	return []Finding{f}
}

// sentence ends a text with a full stop.
func sentence(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
