package backup

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// A disk that is full is told at the end, also of a short document.
func TestWritersTellWhatFailed(t *testing.T) {
	full := errors.New("no space left on device")
	reader, writer := io.Pipe()
	if err := reader.CloseWithError(full); err != nil {
		t.Fatal(err)
	}
	j := NewJSONWriter(writer)
	if err := j.Write(Report{Tenant: "acme"}); err != nil {
		t.Fatal(err)
	}
	for form, err := range map[string]error{"json": j.Close(Summary{}), "table": WriteTable(writer, nil, Summary{}), "prometheus": WritePrometheus(writer, nil, Summary{}, asked)} {
		if !errors.Is(err, full) {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// What a store answers reaches no terminal as it is.
func TestTableOfAStoreThatTalksToTerminals(t *testing.T) {
	var out strings.Builder
	summary := Summary{Sources: []SourceState{{Name: "b", Err: errors.New("\x1b[2Jall is well\r\u202e")}}}
	if err := WriteTable(&out, nil, summary); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.ContainsAny(text, "\x1b\r\u202e") || !strings.Contains(text, "could not be read: \uFFFD[2Jall is well") {
		t.Errorf("%q", text)
	}
}
