package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// ParsePorts reads one port, "443", or an inclusive range, "8000-8010".
func ParsePorts(text string) (from, to uint16, err error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, okFrom := parsePort(first)
	to, okTo := parsePort(last)
	if !okFrom || !okTo {
		return 0, 0, Finding{Summary: "Not a port", Detail: fmt.Sprintf("%q is neither a port nor a range of ports.", clip(text)),
			Remedy: "Write a number from 1 to 65535, such as \"443\", or two with a hyphen, such as \"8000-8010\"."}
	}
	if from > to {
		return 0, 0, Finding{Summary: "Port range backwards", Detail: fmt.Sprintf("%q begins after its end.", clip(text)),
			Remedy: fmt.Sprintf("Write \"%d-%d\".", to, from)}
	}
	return from, to, nil
}

// parsePort reads a number without signs, spaces or leading zeros.
func parsePort(text string) (uint16, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != text {
		return 0, false
	}
	return uint16(n), true
}

// FormatPorts is the inverse of ParsePorts; it is empty for 0, 0.
func FormatPorts(from, to uint16) string {
	switch {
	case from == 0 && to == 0:
		return ""
	case from == to:
		return strconv.Itoa(int(from))
	}
	return fmt.Sprintf("%d-%d", from, to)
}
