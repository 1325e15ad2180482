package backup

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// label is a label of a sample.
type label struct{ name, value string }

// family is a metric: its samples stand together, as the text format wants it
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
type family struct {
	name, help string
	// samples calls add for each.
	samples func(add func(value float64, labels ...label))
}

// WritePrometheus writes reports in Prometheus' text format, for node_exporter's
// textfile collector or a pushgateway. All metrics are gauges, their names
// begin with holdfast_backup_; seconds and bytes are without prefix. A time
// that does not exist has no sample: absent() finds it.
//
// It can be alerted on holdfast_backup_tenant_ok == 0, and on
// time() - holdfast_backup_inventory_timestamp_seconds for an inventory that
// is not taken any more.
func WritePrometheus(w io.Writer, reports []Report, summary Summary, now time.Time) error {
	out := bufio.NewWriter(w)
	for _, f := range families(reports, summary, now) {
		wrote := false
		f.samples(func(value float64, labels ...label) {
			if !wrote {
				fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", f.name, f.help, f.name)
				wrote = true
			}
			var pairs []string
			for _, l := range labels {
				pairs = append(pairs, fmt.Sprintf("%s=\"%s\"", l.name, escape(l.value)))
			}
			set := ""
			if len(pairs) > 0 {
				set = "{" + strings.Join(pairs, ",") + "}"
			}
			fmt.Fprintf(out, "%s%s %s\n", f.name, set, strconv.FormatFloat(value, 'f', -1, 64))
		})
	}
	return out.Flush()
}

// escape writes a label's value: backslash, quote and line feed are escaped.
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(value, "\uFFFD"))
}

func families(reports []Report, summary Summary, now time.Time) []family {
	eachTenant := func(value func(Report) (float64, bool)) func(func(float64, ...label)) {
		return func(add func(float64, ...label)) {
			for _, r := range reports {
				if v, ok := value(r); ok {
					add(v, label{"tenant", r.Tenant})
				}
			}
		}
	}
	eachCopy := func(value func(Copy) (float64, bool)) func(func(float64, ...label)) {
		return func(add func(float64, ...label)) {
			for _, r := range reports {
				for _, c := range r.Copies {
					if v, ok := value(c); ok {
						add(v, label{"tenant", r.Tenant}, label{"bucket", c.Bucket}, label{"location", c.Location.String()})
					}
				}
			}
		}
	}
	return []family{
		{"holdfast_backup_tenant_ok", "1 if every bucket that can be read holds a trustworthy backup within the recovery point objective.",
			eachTenant(func(r Report) (float64, bool) { return truth(r.State != StateBroken), true })},
		{"holdfast_backup_tenant_degraded", "1 if the objective is kept in fewer buckets than declared, or with something to look at.",
			eachTenant(func(r Report) (float64, bool) { return truth(r.State == StateDegraded), true })},
		{"holdfast_backup_tenant_newest_timestamp_seconds", "When the newest backup in any bucket was begun.",
			eachTenant(func(r Report) (float64, bool) { return seconds(r.Newest) })},
		{"holdfast_backup_tenant_missing_copies", "Number of buckets without a backup within the objective, lost and unreachable ones included.",
			eachTenant(func(r Report) (float64, bool) { return float64(r.Missing), true })},
		{"holdfast_backup_copy_ok", "1 if the bucket holds a backup within the objective.",
			eachCopy(func(c Copy) (float64, bool) { return truth(c.State == CopyOK), true })},
		{"holdfast_backup_copy_newest_timestamp_seconds", "When the newest backup in the bucket was begun.",
			eachCopy(func(c Copy) (float64, bool) { return seconds(c.Newest) })},
		{"holdfast_backup_copy_bytes", "What a restore of the newest backup would write.",
			eachCopy(func(c Copy) (float64, bool) { return float64(c.Bytes), c.Bytes > 0 })},
		{"holdfast_backup_copy_problems", "Number of problems with the bucket's backups of the tenant.",
			eachCopy(func(c Copy) (float64, bool) { return float64(len(c.Problems)), read(c) })},
		{"holdfast_backup_copy_backups", "Number of backups that are kept, by class; class total counts all there are.",
			func(add func(float64, ...label)) {
				for _, r := range reports {
					for _, c := range r.Copies {
						if !read(c) {
							continue
						}
						labels := []label{{"tenant", r.Tenant}, {"bucket", c.Bucket}, {"location", c.Location.String()}}
						for _, class := range cloud.BackupClasses() {
							add(float64(c.Counts.Of(class)), append(labels[:3:3], label{"class", string(class)})...)
						}
						add(float64(c.Snapshots), append(labels[:3:3], label{"class", "total"})...)
					}
				}
			}},
		{"holdfast_backup_bucket_up", "1 if the bucket could be read to the end; a lost one cannot.",
			func(add func(float64, ...label)) {
				for _, s := range summary.Sources {
					add(truth(!s.Lost && s.Err == nil), label{"bucket", s.Name}, label{"location", s.Location.String()})
				}
			}},
		{"holdfast_backup_tenants", "Number of tenants by state.",
			func(add func(float64, ...label)) {
				for _, s := range []struct {
					state State
					n     int
				}{{StateOK, summary.OK}, {StateDegraded, summary.Degraded}, {StateBroken, summary.Broken}} {
					add(float64(s.n), label{"state", string(s.state)})
				}
			}},
		{"holdfast_backup_inventory_timestamp_seconds", "When this inventory was taken.",
			func(add func(float64, ...label)) { add(float64(now.Unix())) }},
	}
}

func read(c Copy) bool { return c.State != CopyLost && c.State != CopyUnreachable }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds of the Unix epoch, and whether there is a time.
func seconds(t time.Time) (float64, bool) { return float64(t.Unix()), !t.IsZero() }
