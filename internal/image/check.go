package image

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxReason keeps reasons readable: one or two sentences.
const maxReason = 400

func packageName() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`) }
func ownerName() *regexp.Regexp   { return regexp.MustCompile(`^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$`) }
func unitName() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9:_.@-]+\.(service|socket|timer|target|mount|path)$`)
}

// check reports everything that is wrong with a profile.
func check(concerns []Concern) error {
	var errs []error
	owners := map[string]string{}
	for _, c := range concerns {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, fmt.Errorf(format, args...)))
		}
		checkReason(c.Reason, fail)
		checkPromises(c.Promises, fail)
		for _, name := range slices.Concat(c.Packages, c.Remove) {
			if !packageName().MatchString(name) {
				fail("%q is no name of a package", name)
			}
		}
		for _, f := range c.Files {
			failFile := func(format string, args ...any) { fail("%s: %w", f.Path, fmt.Errorf(format, args...)) }
			if other, taken := owners[f.Path]; taken {
				failFile("it belongs to %s already", other)
			}
			owners[f.Path] = c.Name
			checkFile(f, failFile)
		}
		for _, name := range slices.Concat(c.Units.Enable, c.Units.Disable, c.Units.Mask) {
			if !unitName().MatchString(name) {
				fail("%q is no name of a systemd unit", name)
			}
		}
		for _, command := range c.Commands {
			checkReason(command.Reason, fail)
			if strings.TrimSpace(command.Run) == "" {
				fail("a command runs nothing")
			}
		}
	}
	return errors.Join(errs...)
}

func checkFile(f File, fail func(string, ...any)) {
	if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path {
		fail("the path is not absolute and clean")
	}
	mode, err := strconv.ParseUint(f.Mode, 8, 32)
	switch {
	case err != nil || len(f.Mode) != 4:
		fail("%q is no mode of four octal digits", f.Mode)
	case mode&0o7022 != 0:
		fail("mode %s: the group or others may write, or a special bit is set", f.Mode)
	case mode&0o400 == 0:
		fail("mode %s: the owner cannot read it", f.Mode)
	}
	if !ownerName().MatchString(f.Owner) {
		fail("%q is no user:group", f.Owner)
	}
	checkReason(f.Reason, fail)
	checkPromises(f.Promises, fail)
	if f.Content == "" {
		fail("it is empty")
	} else if !strings.HasSuffix(f.Content, "\n") {
		fail("its last line does not end")
	}
}

func checkReason(reason string, fail func(string, ...any)) {
	if n := len(strings.TrimSpace(reason)); n < 10 || n > maxReason {
		fail("the reason has %d characters: it should be a sentence, at most %d", n, maxReason)
	}
}

func checkPromises(list []string, fail func(string, ...any)) {
	if len(list) == 0 {
		fail("it serves no promise")
	}
	for _, promise := range list {
		if !slices.Contains(promises(), promise) {
			fail("%q is no promise that a machine holds", promise)
		}
	}
}
