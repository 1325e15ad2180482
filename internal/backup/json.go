package backup

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// The JSON form of an inventory. Times are RFC 3339 in UTC, ages whole
// seconds; what is not known is null, so that nothing unknown looks like
// nothing.
type (
	jsonReport struct {
		Tenant        string     `json:"tenant"`
		State         State      `json:"state"`
		Newest        *time.Time `json:"newest"`
		AgeSeconds    *int64     `json:"age_seconds"`
		FreshCopies   int        `json:"fresh_copies"`
		MissingCopies int        `json:"missing_copies"`
		Copies        []jsonCopy `json:"copies"`
	}
	jsonCopy struct {
		Bucket     string        `json:"bucket"`
		Location   string        `json:"location"`
		Immutable  bool          `json:"immutable"`
		State      CopyState     `json:"state"`
		Newest     *time.Time    `json:"newest"`
		NewestID   *string       `json:"newest_id"`
		AgeSeconds *int64        `json:"age_seconds"`
		Backups    *int          `json:"backups"`
		Counts     *jsonCounts   `json:"counts"`
		Bytes      *int64        `json:"bytes"`
		Told       bool          `json:"told_by_guest"`
		Problems   []jsonProblem `json:"problems"`
	}
	jsonCounts struct {
		Daily   int `json:"daily"`
		Weekly  int `json:"weekly"`
		Monthly int `json:"monthly"`
	}
	jsonProblem struct {
		Code ProblemCode `json:"code"`
		Text string      `json:"text"`
	}
	jsonSummary struct {
		Tenants  int          `json:"tenants"`
		OK       int          `json:"ok"`
		Degraded int          `json:"degraded"`
		Broken   int          `json:"broken"`
		Buckets  []jsonSource `json:"buckets"`
	}
	jsonSource struct {
		Bucket   string  `json:"bucket"`
		Location string  `json:"location"`
		Lost     bool    `json:"lost"`
		Error    *string `json:"error"`
		Lists    int     `json:"list_requests"`
		Reads    int     `json:"read_requests"`
	}
)

// JSONWriter writes an inventory as one JSON object, report by report:
// {"format":1,"tenants":[…],"summary":{…}}. Readers leave out members that
// they do not know.
type JSONWriter struct {
	w     *bufio.Writer
	first bool
}

// NewJSONWriter begins the object.
func NewJSONWriter(w io.Writer) *JSONWriter {
	j := &JSONWriter{w: bufio.NewWriter(w), first: true}
	// A bufio.Writer keeps its first error until Close asks.
	_, _ = j.w.WriteString("{\"format\":1,\"tenants\":[")
	return j
}

// Write adds a report.
func (j *JSONWriter) Write(r Report) error {
	text, err := json.Marshal(reportJSON(r))
	if err != nil {
		return err
	}
	separator := ",\n"
	if j.first {
		separator, j.first = "\n", false
	}
	_, _ = j.w.WriteString(separator)
	_, err = j.w.Write(text)
	return err
}

// Close ends the object with the summary. It answers the first error of all
// writing.
func (j *JSONWriter) Close(s Summary) error {
	summary := jsonSummary{Tenants: s.Tenants(), OK: s.OK, Degraded: s.Degraded, Broken: s.Broken, Buckets: []jsonSource{}}
	for _, source := range s.Sources {
		out := jsonSource{Bucket: source.Name, Location: source.Location.String(), Lost: source.Lost, Lists: source.Lists, Reads: source.Reads}
		if source.Err != nil {
			out.Error = new(source.Err.Error())
		}
		summary.Buckets = append(summary.Buckets, out)
	}
	text, err := json.Marshal(summary)
	if err != nil {
		return err
	}
	_, _ = j.w.WriteString("\n],\n\"summary\":")
	_, _ = j.w.Write(text)
	_, _ = j.w.WriteString("}\n")
	return j.w.Flush()
}

func reportJSON(r Report) jsonReport {
	out := jsonReport{Tenant: r.Tenant, State: r.State, FreshCopies: r.Fresh, MissingCopies: r.Missing, Copies: []jsonCopy{}}
	out.Newest, out.AgeSeconds = whenJSON(r.Newest, r.Age)
	for _, c := range r.Copies {
		out.Copies = append(out.Copies, copyJSON(c))
	}
	return out
}

func copyJSON(c Copy) jsonCopy {
	out := jsonCopy{Bucket: c.Bucket, Location: c.Location.String(), Immutable: c.Immutable, State: c.State, Told: c.Told, Problems: []jsonProblem{}}
	out.Newest, out.AgeSeconds = whenJSON(c.Newest, c.Age)
	if c.State != CopyLost && c.State != CopyUnreachable {
		out.Backups = &c.Snapshots
		out.Counts = countsJSON(c.Counts)
	}
	if c.NewestID != "" {
		out.NewestID = &c.NewestID
	}
	if c.Bytes > 0 {
		out.Bytes = &c.Bytes
	}
	for _, p := range c.Problems {
		out.Problems = append(out.Problems, jsonProblem(p))
	}
	return out
}

func countsJSON(c cloud.BackupCounts) *jsonCounts {
	return &jsonCounts{Daily: c.Daily, Weekly: c.Weekly, Monthly: c.Monthly}
}

func whenJSON(newest time.Time, age time.Duration) (*time.Time, *int64) {
	if newest.IsZero() {
		return nil, nil
	}
	return new(newest.UTC()), new(int64(age.Seconds()))
}
