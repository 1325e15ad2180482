package status

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed v1.schema.json
var schema string

// Schema is the JSON Schema of version 1.
func Schema() string { return schema }

const (
	majorVersion = 1
	minorVersion = 1
)

// ErrVersion is of an object whose major version this program does not know.
var ErrVersion = errors.New("status of another version")

var versionPattern = regexp.MustCompile(`^([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$`)

func parseVersion(text string) (major, minor int, err error) {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, fmt.Errorf("%q is no version: <major>.<minor>", clip(text))
	}
	major, _ = strconv.Atoi(m[1]) // the pattern holds digits only
	minor, _ = strconv.Atoi(m[2])
	return major, minor, nil
}

// Parse reads a status object, as the package comment says. The error names
// the members at fault by their paths, ten of them at most, or is ErrVersion.
func Parse(data []byte) (Status, error) {
	if len(data) > MaxBytes {
		return Status{}, fmt.Errorf("status: %d bytes, at most %d are possible", len(data), MaxBytes)
	}
	var head struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Status{}, fmt.Errorf("status: %w", err)
	}
	major, minor, err := parseVersion(head.Version)
	if err != nil {
		return Status{}, fmt.Errorf("status: version: %w", err)
	}
	if major != majorVersion {
		return Status{}, fmt.Errorf("%w: %s; this program knows %d.x, so update it", ErrVersion, head.Version, majorVersion)
	}
	if err := members(data, minor); err != nil {
		return Status{}, fmt.Errorf("status: %w", err)
	}
	var s Status
	if err := json.Unmarshal(data, &s); err != nil {
		return Status{}, fmt.Errorf("status: %w", err)
	}
	if err := s.Check(); err != nil {
		return Status{}, fmt.Errorf("status: %w", err)
	}
	return s, nil
}

// Encode writes a status object. It refuses one that Parse would.
func (s Status) Encode() ([]byte, error) {
	// A list that is nil would be written as null.
	s.Volumes = list(s.Volumes)
	s.Backups = list(s.Backups)
	for i := range s.Backups {
		s.Backups[i].Snapshots = list(s.Backups[i].Snapshots)
		for j := range s.Backups[i].Snapshots {
			s.Backups[i].Snapshots[j].Classes = list(s.Backups[i].Snapshots[j].Classes)
		}
	}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	text = append(text, '\n')
	if _, err := Parse(text); err != nil {
		return nil, err
	}
	return text, nil
}

// list copies a list, and is never nil.
func list[T any](items []T) []T { return append([]T{}, items...) }

// members looks at the names that encoding/json does not look at closely
// enough: it takes "Tenant" for "tenant", the last of two of the same name, a
// missing member for an empty one, and null for anything. Names that the
// contract does not have in the object's minor version are refused, unless it
// is a later one than this program knows.
func members(data []byte, minor int) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	w := &walker{decoder: decoder, minor: minor}
	err := w.value(reflect.TypeFor[Status](), "")
	switch _, behind := decoder.Token(); {
	case errors.Is(err, errEnough):
		w.more = true
	case err != nil:
		return err
	case !errors.Is(behind, io.EOF):
		return errors.New("there is something behind the object")
	}
	return w.all()
}

type walker struct {
	problems
	decoder *json.Decoder
	minor   int
}

// errEnough ends a walk: more is wrong than anybody wants to read.
var errEnough = errors.New("enough")

func (w *walker) fail(path, problem string) { w.add(strings.TrimPrefix(path, "."), "%s", problem) }

// value reads the next value, which should be of the given type.
func (w *walker) value(want reflect.Type, path string) error {
	if w.full() {
		return errEnough
	}
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	if want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	if problem := mismatch(token, want); problem != "" {
		w.fail(path, problem)
		return w.skip(token) // there is nothing to say of what is inside
	}
	switch token {
	case json.Delim('{'):
		return w.object(want, path)
	case json.Delim('['):
		for i := 0; w.decoder.More(); i++ {
			if err := w.value(want.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		_, err = w.decoder.Token()
		return err
	}
	return nil
}

// skip passes over the value that a token begins, however deep it is.
func (w *walker) skip(token json.Token) (err error) {
	for depth := 0; ; {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		if token, err = w.decoder.Token(); err != nil {
			return err
		}
	}
}

// mismatch tells why a value cannot be of a type.
func mismatch(token json.Token, want reflect.Type) string {
	ok, what := false, ""
	switch kind := want.Kind(); {
	case token == nil:
		return "is null; leave it out where it may be absent"
	case want == reflect.TypeFor[time.Time]():
		text, isText := token.(string)
		ok, what = isText && new(time.Time).UnmarshalText([]byte(text)) == nil, "a time as RFC 3339 writes it"
	case kind == reflect.String:
		_, ok = token.(string)
		what = "a text"
	case kind == reflect.Bool:
		_, ok = token.(bool)
		what = "true or false"
	case kind == reflect.Int || kind == reflect.Int64:
		number, isNumber := token.(json.Number)
		_, err := strconv.ParseInt(number.String(), 10, 64)
		ok, what = isNumber && err == nil, "a whole number"
	case kind == reflect.Slice:
		ok, what = token == json.Delim('['), "a list"
	default:
		ok, what = token == json.Delim('{'), "an object"
	}
	if ok {
		return ""
	}
	return "is not " + what
}

func (w *walker) object(want reflect.Type, path string) error {
	known := fields(want)
	seen := map[string]bool{}
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		at := path + "." + clip(name)
		if seen[name] {
			w.fail(at, "is there twice")
		}
		seen[name] = true
		field, ok := known[name]
		if ok {
			if field.since > w.minor {
				w.fail(at, fmt.Sprintf("is not part of the contract before version %d.%d", majorVersion, field.since))
			}
			err = w.value(field.of, at)
		} else {
			err = w.unknown(at, sameButCase(known, name))
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name].needed && !seen[name] {
			w.fail(path+"."+name, "is missing")
		}
	}
	_, err := w.decoder.Token()
	return err
}

// unknown reads a member that the contract does not have; same is one that it
// has, but for the case.
func (w *walker) unknown(at, same string) error {
	switch {
	case same != "":
		w.fail(at, fmt.Sprintf("is written %s", same))
	case w.minor <= minorVersion:
		w.fail(at, "is not part of the contract")
	}
	if w.full() {
		return errEnough
	}
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	return w.skip(token)
}

func sameButCase(known map[string]field, name string) string {
	for k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return ""
}

type field struct {
	of     reflect.Type
	needed bool
	// since is the minor version that brought it.
	since int
}

// fields are the members of a struct of the contract; nil of what is none
// (times are texts).
func fields(of reflect.Type) map[string]field {
	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[Status]().PkgPath() {
		return nil
	}
	known := map[string]field{}
	for i := range of.NumField() {
		name, option, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		since, _ := strconv.Atoi(of.Field(i).Tag.Get("since")) // without one: 0
		known[name] = field{of: of.Field(i).Type, needed: option == "", since: since}
	}
	return known
}
