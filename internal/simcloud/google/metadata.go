package google

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// Limits of metadata
// (https://cloud.google.com/compute/docs/metadata/setting-custom-metadata#limitations).
const (
	metadataValueLimit = 256 << 10
	metadataTotalLimit = 512 << 10
)

// Metadata is the metadata of a project or an instance, stored and shown.
type Metadata struct {
	Kind        string         `json:"kind,omitempty"`
	Fingerprint string         `json:"fingerprint,omitempty"`
	Items       []MetadataItem `json:"items,omitempty"`
}

// MetadataItem is one pair.
type MetadataItem struct {
	Key   string  `json:"key"`
	Value *string `json:"value,omitempty"`
}

// check refuses what the vendor refuses. prefix is the path of the metadata in
// the request: "resource.metadata", or "metadata" where it is the body.
func (m *Metadata) check(prefix string) error {
	total := 0
	seen := map[string]bool{}
	for i, it := range m.Items {
		field := fmt.Sprintf("%s.items[%d]", prefix, i)
		if !metadataKey.MatchString(it.Key) {
			return invalid(field+".key", it.Key, "Must be a match of regex '[a-zA-Z0-9-_]{1,128}'")
		}
		if seen[it.Key] {
			return invalid(prefix+".items", it.Key, "Duplicate metadata key")
		}
		seen[it.Key] = true
		n := 0
		if it.Value != nil {
			n = len(*it.Value)
		}
		if n > metadataValueLimit {
			return invalid(field+".value", fmt.Sprint(n), "Metadata value exceeds the limit of %d bytes.", metadataValueLimit)
		}
		total += len(it.Key) + n
	}
	if total > metadataTotalLimit {
		return fail(413, "uploadTooLarge", "The total size of metadata %d exceeds the limit of %d bytes.", total, metadataTotalLimit)
	}
	return nil
}

// shown is the metadata as the vendor shows it: with its fingerprint, which is
// there even when nothing else is.
func (m *Metadata) shown() *Metadata {
	out := &Metadata{Kind: "compute#metadata"}
	if m != nil {
		out.Items = m.Items
	}
	out.Fingerprint = fingerprint(out.Items)
	return out
}

// get is the value of a key; false when there is no such key.
func (m *Metadata) get(key string) (string, bool) {
	if m == nil {
		return "", false
	}
	i := slices.IndexFunc(m.Items, func(it MetadataItem) bool { return it.Key == key })
	if i < 0 || m.Items[i].Value == nil {
		return "", i >= 0
	}
	return *m.Items[i].Value, true
}

// isTrue tells whether a key has one of the values that the vendor's guest
// environment takes for true.
func (m *Metadata) isTrue(key string) bool {
	v, _ := m.get(key)
	return v == "1" || strings.EqualFold(v, "true") || strings.EqualFold(v, "y") || strings.EqualFold(v, "yes")
}
