package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs: %s", name, diff)
	}
}

// shown has every state, and a message that would spoil a terminal.
func shown(t *testing.T) ([]Report, Summary) {
	t.Helper()
	e := newEstate(t)
	e.add(t, "acme", 100, 0, 10*time.Hour+25*time.Minute, nil)
	e.add(t, "behind", 5, 0, 100*time.Hour, nil)
	e.add(t, "crooked", 3, 0, 30*time.Minute, func(_ int, st *status.Status) {
		st.Backups[1].Check = &status.Check{At: asked.Add(-time.Hour), Result: status.Failed, Message: "pack \"ab\\cd\" is damaged\u202e"}
	})
	e.add(t, "deserted", 2, 0, 10*time.Hour, nil)
	e.stores[0].remove(status.Key("acme-eu", "deserted"))
	e.sources = append(e.sources, Source{Name: "acme-fsn1", Location: place(t, loadCatalog(t), "hetzner/fsn1").Location, Lost: true},
		Source{Name: "acme-ash", Location: place(t, loadCatalog(t), "hetzner/ash").Location, Reader: refusing{}})
	o := options()
	o.Tenants = []string{"acme", "behind", "crooked", "deserted", "forgotten"}
	o.Parallel = 1
	return inventory(t, e, o)
}

func TestWriteTable(t *testing.T) {
	reports, summary := shown(t)
	var b bytes.Buffer
	if err := WriteTable(&b, reports, summary); err != nil {
		t.Fatal(err)
	}
	golden(t, "inventory.txt", b.Bytes())
	b.Reset()
	if err := WriteTable(&b, nil, Summary{}); err != nil || b.String() != "There are no backups.\n\nno tenants: 0 ok, 0 degraded, 0 broken.\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func writeJSON(w io.Writer, reports []Report, summary Summary) error {
	j := NewJSONWriter(w)
	for _, r := range reports {
		if err := j.Write(r); err != nil {
			return err
		}
	}
	return j.Close(summary)
}

func TestJSONWriter(t *testing.T) {
	reports, summary := shown(t)
	var b bytes.Buffer
	if err := writeJSON(&b, reports, summary); err != nil {
		t.Fatal(err)
	}
	golden(t, "inventory.json", b.Bytes())
	for _, n := range []int{0, 1, len(reports)} {
		b.Reset()
		if err := writeJSON(&b, reports[:n], summary); err != nil {
			t.Fatal(err)
		}
		var document struct {
			Format  int          `json:"format"`
			Tenants []jsonReport `json:"tenants"`
			Summary jsonSummary  `json:"summary"`
		}
		d := json.NewDecoder(&b)
		d.DisallowUnknownFields()
		if err := d.Decode(&document); err != nil || document.Format != 1 || len(document.Tenants) != n || document.Tenants == nil || len(document.Summary.Buckets) != 5 {
			t.Errorf("%d reports: %+v, %v", n, document, err)
		}
	}
}

// failing is a writer that fails.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWritersTellOfErrors(t *testing.T) {
	reports, summary := shown(t)
	for name, err := range map[string]error{
		"table": WriteTable(failing{}, reports, summary), "JSON": writeJSON(failing{}, reports, summary), "Prometheus": WritePrometheus(failing{}, reports, summary, asked),
	} {
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var (
	promComment = regexp.MustCompile(`^# (HELP|TYPE) (holdfast_backup_[a-z_]+) .+$`)
	promSample  = regexp.MustCompile(`^(holdfast_backup_[a-z_]+)(\{([a-z]+="([^"\\]|\\["\\n])*",?)+\})? (-?[0-9.]+)$`)
)

func TestWritePrometheus(t *testing.T) {
	reports, summary := shown(t)
	// A vendor's bucket is not called so; a label is escaped all the same.
	reports[3].Copies[0].Bucket = "a\"b\\c\nd"
	var b bytes.Buffer
	if err := WritePrometheus(&b, reports, summary, asked); err != nil {
		t.Fatal(err)
	}
	golden(t, "inventory.prom", b.Bytes())

	// The samples of a metric stand together under its help and type, and none
	// is there twice.
	seen, done, current := map[string]bool{}, map[string]bool{}, ""
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if m := promComment.FindStringSubmatch(line); m != nil {
			if m[1] == "HELP" {
				if done[m[2]] {
					t.Errorf("%s begins again", m[2])
				}
				current, done[m[2]] = m[2], true
			}
			continue
		}
		m := promSample.FindStringSubmatch(line)
		if m == nil || m[1] != current {
			t.Errorf("not a sample of %s: %s", current, line)
			continue
		}
		if seen[m[1]+m[2]] {
			t.Errorf("there twice: %s", line)
		}
		seen[m[1]+m[2]] = true
	}
	if len(done) != 12 {
		t.Errorf("%d metrics, want 12", len(done))
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0m", 59*time.Minute + 59*time.Second: "59m", time.Hour: "1h", 47*time.Hour + 59*time.Minute: "47h", 98 * time.Hour: "4d 2h"} {
		if got := age(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 102349: "100 KiB", 1<<20 - 1: "1.0 MiB", 1 << 30: "1.0 GiB", 734003200: "700 MiB", 1<<63 - 1: "8.0 EiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := printable("a\x1b[2Jb\u202ec\u2066é"); got != "a\uFFFD[2Jb\uFFFDc\uFFFDé" {
		t.Errorf("%q", got)
	}
}
