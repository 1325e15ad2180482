package guest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// combine writes a MIME multipart of the tenant's documents and ours, in an
// order that gives each its due by cloud-init's rules ("Merging user data
// sections" of its documentation). cloud-init merges each cloud-config part into
// what it has read so far, by the rules of the part that it merges in:
//
//  1. The tenant's parts, as they are.
//  2. Our lists, with the rule that lists are appended and nothing is replaced.
//     By the default rule they would replace the tenant's; were they first, the
//     tenant's would replace ours. Of two files with one path the last one is
//     written, so the spec is ours.
//  3. Our settings, by the default rule, which replaces.
func combine(own []part, l lists, set settings) (string, error) {
	l.MergeHow = []merger{{Name: "list", Settings: []string{"append"}}, {Name: "dict", Settings: []string{"no_replace", "recurse_list"}}}
	parts := slices.Clone(own)
	for _, content := range []any{l, set} {
		text, err := cloudConfig(content)
		if err != nil {
			return "", err
		}
		parts = append(parts, part{mediaType: cloudConfigType, body: text})
	}
	var body strings.Builder
	for _, p := range parts {
		body.WriteString("--\x00\n") // in place of the boundary, which depends on the whole
		p.write(&body)
	}
	// No text holds a part of its own hash.
	sum := sha256.Sum256([]byte(body.String()))
	boundary := fmt.Sprintf("holdfast-%x", sum[:16])
	return "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\nMIME-Version: 1.0\n\n" +
		strings.ReplaceAll(body.String(), "--\x00\n", "--"+boundary+"\n") + "--" + boundary + "--\n", nil
}

// write writes headers and body. Python's parser garbles text in 8 bits, so
// that what is not ASCII is encoded; so are carriage returns.
func (p part) write(b *strings.Builder) {
	fmt.Fprintf(b, "Content-Type: %s; charset=\"utf-8\"\n", p.mediaType)
	for _, name := range slices.Sorted(maps.Keys(p.header)) {
		fmt.Fprintf(b, "%s: %s\n", name, p.header.Get(name))
	}
	if !strings.ContainsFunc(p.body, func(r rune) bool { return r > '~' || r < ' ' && r != '\n' && r != '\t' }) {
		// The last line end belongs to the boundary.
		b.WriteString("Content-Transfer-Encoding: 7bit\n\n" + p.body + "\n")
		return
	}
	b.WriteString("Content-Transfer-Encoding: base64\n\n")
	// 76 characters a line (RFC 2045, section 6.8).
	for text := base64.StdEncoding.EncodeToString([]byte(p.body)); text != ""; {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
}
