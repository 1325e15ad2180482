package status

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxProblems is how many things an error names: a person mends what is wrong
// with the writer, not member by member, and an object of MaxBytes can be wrong
// in tens of thousands of places.
const maxProblems = 10

// problems collects what is wrong with a status, as far as anybody reads it.
type problems struct {
	errs []error
	more bool
}

func (p *problems) full() bool { return len(p.errs) == maxProblems }

// add takes one, with the path of the member.
func (p *problems) add(path, format string, args ...any) {
	if p.full() {
		p.more = true
		return
	}
	p.errs = append(p.errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

// all is one error of them all.
func (p *problems) all() error {
	if p.more {
		return errors.Join(append(p.errs, errors.New("perhaps more"))...)
	}
	return errors.Join(p.errs...)
}

// clip shortens what is repeated in a message, between two characters.
func clip(text string) string {
	most := 40
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
