package gcs

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

func viewMD5(v *objects.Version) string { return base64.StdEncoding.EncodeToString(v.MD5) }

// position is where a page ended: behind that generation of that name, or behind
// all that begin with it.
type position struct {
	name       string
	generation int64
}

func (p position) token() string {
	return base64.URLEncoding.EncodeToString([]byte(strconv.FormatInt(p.generation, 10) + " " + p.name))
}

func parsePosition(token string) (position, error) {
	b, err := base64.URLEncoding.DecodeString(token)
	number, name, ok := strings.Cut(string(b), " ")
	n, err2 := strconv.ParseInt(number, 10, 64)
	if token != "" && (err != nil || err2 != nil || !ok) {
		return position{}, invalid("Invalid argument: pageToken.")
	}
	return position{name, n}, nil
}

// listObjects answers live objects, or with versions all that were not deleted
// softly, or with softDeleted those that were.
func listObjects(c *call) error {
	q := c.query
	most, err := c.pageSize()
	if err != nil {
		return err
	}
	after, err := parsePosition(q.Get("pageToken"))
	if err != nil {
		return err
	}
	versions, soft := q.Get("versions") == "true", q.Get("softDeleted") == "true"
	switch {
	case versions && soft:
		return invalid("Invalid argument: versions and softDeleted cannot be listed together.")
	case q.Get("matchGlob") != "", q.Get("filter") != "":
		return notBuilt("A list by matchGlob or filter")
	}
	items, prefixes := []*objectView{}, []string{}
	next := ""
	err = c.do(func(t *tx) error {
		if err := t.mayList(); err != nil {
			return err
		}
		if soft && t.b.Soft == 0 {
			return invalid("The bucket '%s' has no soft delete policy.", t.b.Name)
		}
		last := position{}
		w := objects.Walk{Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), Start: max(after.name, q.Get("startOffset")), Destroyed: soft}
		if !versions && !soft {
			w.Visible = func(v *objects.Version) bool { return v.Current }
		}
		return t.Walk(t.b, w, func(name string, folded bool, all []*objects.Version) error {
			if end := q.Get("endOffset"); end != "" && name >= end {
				return objects.ErrStop
			}
			if folded {
				if after.name != "" && strings.HasPrefix(after.name, name) {
					return nil
				}
				if len(items)+len(prefixes) == most {
					next = last.token()
					return objects.ErrStop
				}
				prefixes, last = append(prefixes, name), position{name, 0}
				return nil
			}
			for _, v := range slices.Backward(all) { // oldest first
				if name == after.name && v.Serial <= after.generation {
					continue
				}
				if len(items)+len(prefixes) == most {
					next = last.token()
					return objects.ErrStop
				}
				items, last = append(items, viewObject(t.b, v)), position{name, v.Serial}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	out := map[string]any{"kind": "storage#objects"}
	if len(items) > 0 {
		out["items"] = items
	}
	if len(prefixes) > 0 {
		out["prefixes"] = prefixes
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	c.reply(http.StatusOK, out)
	return nil
}

// mayList checks the right to list. The resource of a listing is the bucket.
func (t *tx) mayList() error { return t.may("storage.objects.list", "") }
