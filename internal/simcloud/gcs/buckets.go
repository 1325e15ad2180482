package gcs

import (
	"hash/fnv"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// link is what the vendor puts in front of a path.
const link = "https://www.googleapis.com/storage/v1/"

// bucketView is a bucket in the vendor's form.
type bucketView struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Self string `json:"selfLink"`
	config
	ProjectNumber  string `json:"projectNumber"`
	Generation     Int64  `json:"generation"`
	Metageneration Int64  `json:"metageneration"`
	Etag           string `json:"etag"`
	TimeCreated    string `json:"timeCreated"`
	Updated        string `json:"updated"`
	LocationType   string `json:"locationType"`
}

func viewBucket(b *objects.Bucket, c *config) *bucketView {
	out := &bucketView{Kind: "storage#bucket", ID: b.Name, Self: link + "b/" + b.Name, config: *c,
		ProjectNumber: strconv.FormatUint(projectNumber(b.Owner()), 10), Generation: Int64(b.Created.UnixMicro()), Metageneration: Int64(b.Revision),
		Etag: etagOf(b.Revision), TimeCreated: stamp(b.Created), Updated: stamp(b.Updated), LocationType: locationType(b.Location)}
	out.Name, out.Location = b.Name, b.Location
	iam := *c.IAM
	iam.PolicyOnly = iam.Uniform
	out.IAM = &iam
	return out
}

// projectNumber is the number behind a project's name: 12 digits, the same as
// Compute Engine's.
func projectNumber(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return 100_000_000_000 + h.Sum64()%900_000_000_000
}

// locationType is the kind of a location, or nothing for none.
func locationType(location string) string {
	switch location {
	case "US", "EU", "ASIA":
		return "multi-region"
	case "NAM4", "EUR4", "EUR5", "EUR7", "EUR8", "ASIA1":
		return "dual-region"
	}
	if regexp.MustCompile(`^[A-Z]+-[A-Z]+[0-9]+$`).MatchString(location) {
		return "region"
	}
	return ""
}

// A bucket's name: 3 to 63 lower case letters, digits, - and _; with dots up to
// 222, which needs a proof of ownership that nobody has here.
func validName(name string) bool {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$`).MatchString(name) && !strings.HasPrefix(name, "goog") && !strings.Contains(name, "google")
}

// inProject checks that the caller owns the project that the query names.
func (c *call) inProject(permission string) (string, error) {
	project := c.query.Get("project")
	if project == "" {
		return "", required("project")
	}
	if !c.owns(project) || (c.token.ReadOnly && !strings.HasSuffix(permission, ".list")) {
		e := c.denied(permission, "project")
		return "", e
	}
	return project, nil
}

func listBuckets(c *call) error {
	project, err := c.inProject("storage.buckets.list")
	if err != nil {
		return err
	}
	if c.query.Get("softDeleted") == "true" {
		return notBuilt("A list of softly deleted buckets")
	}
	most, err := c.pageSize()
	if err != nil {
		return err
	}
	after := c.query.Get("pageToken")
	items := []*bucketView{}
	out := map[string]any{"kind": "storage#buckets"}
	err = c.api.store.Do(func(t *objects.Tx) error {
		for _, b := range t.Buckets(Cloud, project) {
			if !strings.HasPrefix(b.Name, c.query.Get("prefix")) || b.Name <= after {
				continue
			}
			if len(items) == most {
				out["nextPageToken"] = items[most-1].Name
				break
			}
			set, err := configOf(b)
			if err != nil {
				return err
			}
			items = append(items, viewBucket(b, set))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(items) > 0 {
		out["items"] = items
	}
	c.reply(http.StatusOK, out)
	return nil
}

// pageSize is maxResults, at most 1000.
func (c *call) pageSize() (int, error) {
	n, err := c.number("maxResults")
	if err != nil || n == nil || *n == 0 || *n > 1000 {
		return 1000, err
	}
	return int(*n), nil
}

func insertBucket(c *call) error {
	project, err := c.inProject("storage.buckets.create")
	if err != nil {
		return err
	}
	set := &config{}
	if err := c.bind(set); err != nil {
		return err
	}
	if !validName(set.Name) {
		return invalid("Invalid bucket name: '%s'", set.Name)
	}
	if set.Location = strings.ToUpper(set.Location); set.Location == "" {
		set.Location = "US"
	}
	if locationType(set.Location) == "" {
		return invalid("The specified location constraint is not valid.")
	}
	for _, p := range []string{"predefinedAcl", "predefinedDefaultObjectAcl"} {
		if v := c.query.Get(p); v != "" && v != "private" && v != "projectPrivate" {
			return notBuilt(p + "=" + v)
		}
	}
	set.ObjectRetention = nil
	if c.query.Get("enableObjectRetention") == "true" {
		set.ObjectRetention = &struct {
			Mode string `json:"mode"`
		}{"Enabled"}
	}
	var out *bucketView
	err = c.api.store.Do(func(t *objects.Tx) error {
		taken, err := t.Bucket(Cloud, set.Name)
		switch {
		case err != nil:
			return err
		case taken != nil && taken.Owner() == project:
			return fail(http.StatusConflict, "conflict", "Your previous request to create the named bucket succeeded and you already own it.")
		case taken != nil:
			return fail(http.StatusConflict, "conflict", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		}
		if err := set.check(nil, t.Now()); err != nil {
			return err
		}
		set.Policy = legacy(project, set.uniform())
		b := &objects.Bucket{Meta: engine.Meta{Name: set.Name}, Service: Cloud, Location: set.Location}
		if err := c.reach(b); err != nil {
			return err
		}
		if err := set.store(b); err != nil {
			return err
		}
		out = viewBucket(t.AddBucket(project, b), set)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// bucketConditions holds a request to ifMetagenerationMatch and its opposite.
func (c *call) bucketConditions(b *objects.Bucket) error {
	match, err := c.number("ifMetagenerationMatch")
	if err != nil {
		return err
	}
	not, err := c.number("ifMetagenerationNotMatch")
	switch {
	case err != nil:
		return err
	case match != nil && *match != b.Revision:
		return conditionNotMet()
	case not != nil && *not == b.Revision:
		return &Error{Code: http.StatusNotModified, Errors: []ErrorItem{{Reason: "notModified"}}}
	}
	return nil
}

func getBucket(c *call) error {
	var out *bucketView
	err := c.do(func(t *tx) error {
		out = viewBucket(t.b, t.set)
		return c.bucketConditions(t.b)
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func patchBucket(c *call) error {
	var patch map[string]any
	if err := c.bind(&patch); err != nil {
		return err
	}
	return c.setBucket(func(t *tx) (*config, error) { return t.set.merged(patch) })
}

func updateBucket(c *call) error {
	next := &config{}
	if err := c.bind(next); err != nil {
		return err
	}
	return c.setBucket(func(t *tx) (*config, error) {
		next.Policy, next.ObjectRetention = t.set.Policy, t.set.ObjectRetention
		return next, nil
	})
}

// setBucket gives a bucket other settings. Its name and its location stay.
func (c *call) setBucket(next func(*tx) (*config, error)) error {
	var out *bucketView
	err := c.do(func(t *tx) error {
		if err := c.bucketConditions(t.b); err != nil {
			return err
		}
		set, err := next(t)
		if err != nil {
			return err
		}
		set.Name, set.Location = t.set.Name, t.set.Location
		if err := set.check(t.set, t.Now()); err != nil {
			return err
		}
		b := t.EditBucket(t.b)
		if err := set.store(b); err != nil {
			return err
		}
		out = viewBucket(b, set)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// lockRetention makes the retention policy irrevocable.
func lockRetention(c *call) error {
	var out *bucketView
	err := c.do(func(t *tx) error {
		if c.query.Get("ifMetagenerationMatch") == "" {
			return required("ifMetagenerationMatch")
		}
		if err := c.bucketConditions(t.b); err != nil {
			return err
		}
		if p := t.set.RetentionPolicy; p == nil || p.IsLocked {
			// The vendor answers the same for a lock that is there already.
			return fail(http.StatusBadRequest, "badRequest", "Bucket '%s' does not have an unlocked retention policy.", t.b.Name)
		}
		t.set.RetentionPolicy.IsLocked = true
		b := t.EditBucket(t.b)
		if err := t.set.store(b); err != nil {
			return err
		}
		out = viewBucket(b, t.set)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func deleteBucket(c *call) error {
	err := c.do(func(t *tx) error {
		if err := c.bucketConditions(t.b); err != nil {
			return err
		}
		if !t.Empty(t.b) {
			return fail(http.StatusConflict, "conflict", "The bucket you tried to delete is not empty.")
		}
		t.RemoveBucket(t.b)
		return nil
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func getServiceAccount(c *call) error {
	project := c.vars["project"]
	if !c.owns(project) {
		return c.denied("resourcemanager.projects.get", "project")
	}
	c.reply(http.StatusOK, map[string]string{"kind": "storage#serviceAccount",
		"email_address": "service-" + strconv.FormatUint(projectNumber(project), 10) + "@gs-project-accounts.iam.gserviceaccount.com"})
	return nil
}
