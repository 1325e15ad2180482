package backup

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteTable writes reports for a person: one line for each tenant and bucket,
// problems below the line that they belong to, and the summary. Ages are
// rounded down. Nothing that a guest wrote reaches the terminal unescaped.
func WriteTable(w io.Writer, reports []Report, summary Summary) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TENANT\tSTATE\tBUCKET\tLOCATION\tCOPY\tNEWEST\tAGE\tD/W/M\tBACKUPS\tSIZE")
	for _, r := range reports {
		tenant, state := r.Tenant, string(r.State)
		for _, c := range r.Copies {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", tenant, state, c.Bucket, c.Location, strings.Join(cells(c), "\t"))
			tenant, state = "", ""
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(reports) == 0 {
		b.Reset()
		b.WriteString("There are no backups.\n")
	}
	lines := []string{}
	for _, r := range reports {
		for _, c := range r.Copies {
			for _, p := range c.Problems {
				lines = append(lines, fmt.Sprintf("%s in %s: %s", r.Tenant, c.Bucket, printable(p.Text)))
			}
		}
	}
	for _, s := range summary.Sources {
		if s.Err != nil {
			lines = append(lines, fmt.Sprintf("The bucket %s in %s could not be read: %s", s.Name, s.Location, printable(s.Err.Error())))
		}
	}
	if len(lines) > 0 {
		b.WriteString("\n" + strings.Join(lines, "\n") + "\n")
	}
	fmt.Fprintf(&b, "\n%s: %d ok, %d degraded, %d broken.\n", count(summary.Tenants(), "tenant"), summary.OK, summary.Degraded, summary.Broken)
	_, err := io.WriteString(w, b.String())
	return err
}

// cells are those of a copy: state, newest, age, classes, number, size.
func cells(c Copy) []string {
	switch c.State {
	case CopyLost, CopyUnreachable:
		return []string{string(c.State), "?", "?", "?", "?", "?"}
	case CopyMissing:
		return []string{string(c.State), "-", "-", "-", "0", "-"}
	}
	size := "-"
	if c.Bytes > 0 {
		size = bytesText(c.Bytes)
	}
	return []string{string(c.State), c.Newest.UTC().Format("2006-01-02 15:04Z"), age(c.Age),
		fmt.Sprintf("%d/%d/%d", c.Counts.Daily, c.Counts.Weekly, c.Counts.Monthly), fmt.Sprint(c.Snapshots), size}
}

// age writes "45m", "26h", "4d 2h".
func age(d time.Duration) string {
	switch hours := int(d.Hours()); {
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case hours < 48:
		return fmt.Sprintf("%dh", hours)
	default:
		return fmt.Sprintf("%dd %dh", hours/24, hours%24)
	}
}

// bytesText writes bytes with a binary prefix and three digits at most.
func bytesText(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1023.5 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	digits := 1
	if value >= 99.95 {
		digits = 0
	}
	return fmt.Sprintf("%.*f %ciB", digits, value, units[unit])
}

// printable replaces what could move a terminal's cursor or hide a text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r <= 0x9f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, text)
}
