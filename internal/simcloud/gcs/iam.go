package gcs

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// policy is a bucket's IAM policy.
type policy struct {
	Kind       string    `json:"kind,omitempty"`
	ResourceID string    `json:"resourceId,omitempty"`
	Version    int       `json:"version,omitempty"`
	Etag       string    `json:"etag,omitempty"`
	Bindings   []binding `json:"bindings"`
}

type binding struct {
	Role      string     `json:"role"`
	Members   []string   `json:"members"`
	Condition *condition `json:"condition,omitempty"`
}

type condition struct {
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Expression  string `json:"expression"`
	Location    string `json:"location,omitempty"`
}

func (p *policy) conditional() bool {
	return p != nil && slices.ContainsFunc(p.Bindings, func(b binding) bool { return b.Condition != nil })
}

// legacy is the policy of a new bucket.
func legacy(project string, uniform bool) *policy {
	owners := []string{"projectEditor:" + project, "projectOwner:" + project}
	viewers := []string{"projectViewer:" + project}
	p := &policy{Version: 1, Bindings: []binding{{Role: "roles/storage.legacyBucketOwner", Members: owners}, {Role: "roles/storage.legacyBucketReader", Members: viewers}}}
	if uniform {
		p.Bindings = append(p.Bindings, binding{Role: "roles/storage.legacyObjectOwner", Members: owners},
			binding{Role: "roles/storage.legacyObjectReader", Members: viewers})
	}
	return p
}

// roles are the permissions of the vendor's roles for storage, as its page "IAM
// roles for Cloud Storage" lists them, of those that this API asks for.
func roles() map[string][]string {
	read := []string{"storage.objects.get", "storage.objects.list"}
	write := append([]string{"storage.objects.create", "storage.objects.delete", "storage.objects.update", "storage.objects.restore"}, read...)
	object := append([]string{"storage.objects.getIamPolicy", "storage.objects.setIamPolicy", "storage.objects.setRetention", "storage.objects.overrideUnlockedRetention"}, write...)
	bucketRead := []string{"storage.buckets.get", "storage.objects.list"}
	bucketOwn := append([]string{"storage.buckets.update", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy", "storage.objects.create", "storage.objects.delete",
		"storage.objects.restore", "storage.objects.setRetention"}, bucketRead...)
	return map[string][]string{
		"roles/storage.objectViewer":       read,
		"roles/storage.objectCreator":      {"storage.objects.create"},
		"roles/storage.objectUser":         write,
		"roles/storage.objectAdmin":        object,
		"roles/storage.admin":              append([]string{"storage.buckets.get", "storage.buckets.update", "storage.buckets.delete", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"}, object...),
		"roles/storage.bucketViewer":       {"storage.buckets.get"},
		"roles/storage.legacyBucketReader": bucketRead,
		"roles/storage.legacyBucketWriter": append([]string{"storage.objects.create", "storage.objects.delete", "storage.objects.restore", "storage.objects.setRetention"}, bucketRead...),
		"roles/storage.legacyBucketOwner":  bucketOwn,
		"roles/storage.legacyObjectReader": {"storage.objects.get"},
		"roles/storage.legacyObjectOwner": {"storage.objects.get", "storage.objects.update", "storage.objects.getIamPolicy", "storage.objects.setIamPolicy",
			"storage.objects.setRetention", "storage.objects.overrideUnlockedRetention"},
	}
}

// has tells whether the caller holds a permission on the bucket, or on an object in
// it.
func (t *tx) has(permission, object string) bool {
	c := t.c
	if c.owns(t.b.Owner()) {
		return !c.token.ReadOnly || strings.HasSuffix(permission, ".get") || strings.HasSuffix(permission, ".list") || strings.HasSuffix(permission, ".getIamPolicy")
	}
	resource := "projects/_/buckets/" + t.b.Name
	kind := "storage.googleapis.com/Bucket"
	if object != "" {
		resource += "/objects/" + object
		kind = "storage.googleapis.com/Object"
	}
	facts := facts{name: resource, kind: kind, prefix: c.query.Get("prefix"), now: t.Now()}
	for _, b := range t.set.Policy.Bindings {
		if !slices.ContainsFunc(b.Members, func(m string) bool { return t.isMember(m) }) || !slices.Contains(roles()[b.Role], permission) {
			continue
		}
		if b.Condition == nil {
			return true
		}
		if e, err := parseExpression(b.Condition.Expression); err == nil && e(facts) {
			return true
		}
	}
	return false
}

func (t *tx) isMember(m string) bool {
	c := t.c
	switch {
	case m == "allUsers":
		return !t.set.prevented()
	case c.nobody:
		return false
	case m == "allAuthenticatedUsers":
		return !t.set.prevented()
	}
	return c.token.ServiceAccount != "" && strings.EqualFold(m, "serviceAccount:"+c.token.ServiceAccount)
}

// may refuses a caller who does not hold the permission.
func (t *tx) may(permission, object string) error {
	if t.has(permission, object) {
		return nil
	}
	on := "bucket"
	if strings.HasPrefix(permission, "storage.objects.") {
		on = "object"
	}
	return t.c.denied(permission, on)
}

func (c *call) denied(permission, on string) *Error {
	if c.nobody {
		e := fail(http.StatusUnauthorized, "required", "Anonymous caller does not have %s access to the Google Cloud Storage %s. Permission '%s' denied on resource (or it may not exist).", permission, on, permission)
		e.Errors[0].LocationType, e.Errors[0].Location = "header", "Authorization"
		return e
	}
	who := c.token.ServiceAccount
	if who == "" {
		who = "The caller"
	}
	return fail(http.StatusForbidden, "forbidden", "%s does not have %s access to the Google Cloud Storage %s. Permission '%s' denied on resource (or it may not exist).", who, permission, on, permission)
}

// etagOf is the tag of a bucket's revision: the protocol buffer encoding of it.
func etagOf(revision int64) string {
	return base64.StdEncoding.EncodeToString(binary.AppendUvarint([]byte{1 << 3}, uint64(revision)))
}

func (t *tx) policyView(revision int64) policy {
	p := *t.set.Policy
	p.Kind, p.ResourceID, p.Etag = "storage#policy", "projects/_/buckets/"+t.b.Name, etagOf(revision)
	if p.Bindings == nil {
		p.Bindings = []binding{}
	}
	return p
}

// getPolicy answers the policy. Without a version it cannot hold conditions: the
// roles that have one then bear other names.
func getPolicy(c *call) error {
	var out policy
	err := c.do(func(t *tx) error { out = t.policyView(t.b.Revision); return nil })
	if err != nil {
		return err
	}
	version, err := c.number("optionsRequestedPolicyVersion")
	if err != nil {
		return err
	}
	if out.conditional() && (version == nil || *version < 3) {
		out.Version = 1
		out.Bindings = slices.Clone(out.Bindings)
		for i, b := range out.Bindings {
			if b.Condition != nil {
				out.Bindings[i] = binding{Role: b.Role + "_withcond_" + hash(b.Condition.Title+b.Condition.Expression), Members: b.Members}
			}
		}
	}
	c.reply(http.StatusOK, out)
	return nil
}

// setPolicy replaces the whole policy.
func setPolicy(c *call) error {
	var in policy
	if err := c.bind(&in); err != nil {
		return err
	}
	var out policy
	err := c.do(func(t *tx) error {
		if in.Etag != "" && in.Etag != etagOf(t.b.Revision) {
			return conditionNotMet()
		}
		bindings, err := t.checkBindings(in)
		if err != nil {
			return err
		}
		version := 1
		if (&policy{Bindings: bindings}).conditional() {
			version = 3
		}
		t.set.Policy = &policy{Version: version, Bindings: bindings}
		b := t.EditBucket(t.b)
		if err := t.set.store(b); err != nil {
			return err
		}
		out = t.policyView(b.Revision)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// maxPrincipals bounds the members of a policy, each counted as often as it occurs
// (the vendor's page "IAM quotas and limits"). Its other number, that a policy should
// have no more than 100 conditional bindings, is advice and not enforced.
const maxPrincipals = 1500

// checkBindings refuses what the vendor does, and puts the bindings in its form.
func (t *tx) checkBindings(in policy) ([]binding, error) {
	out, principals := []binding{}, 0
	for _, b := range in.Bindings {
		if roles()[b.Role] == nil {
			return nil, invalid("Role %s is not supported for this resource.", b.Role)
		}
		if b.Condition != nil {
			switch _, err := parseExpression(b.Condition.Expression); {
			case in.Version != 3:
				return nil, invalid("Policies with conditions must have version 3.")
			case !t.set.uniform():
				return nil, fail(http.StatusPreconditionFailed, "conditionNotMet", "Bindings with conditions need uniform bucket-level access.")
			case b.Condition.Title == "":
				return nil, invalid("A condition needs a title.")
			case err != nil:
				return nil, invalid("The expression %q of a condition is not understood here: %s", b.Condition.Expression, err)
			}
		}
		var members []string
		for _, m := range b.Members {
			if (m == "allUsers" || m == "allAuthenticatedUsers") && t.set.prevented() {
				return nil, fail(http.StatusPreconditionFailed, "conditionNotMet", "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.")
			}
			if !memberForm().MatchString(m) {
				return nil, invalid("Invalid argument: the member %q.", m)
			}
			if kind, address, ok := strings.Cut(m, ":"); ok && slices.Contains([]string{"user", "serviceAccount", "group", "domain"}, kind) {
				m = kind + ":" + strings.ToLower(address)
			}
			if !slices.Contains(members, m) {
				members = append(members, m)
			}
		}
		if len(members) == 0 {
			continue
		}
		principals += len(members)
		same := slices.IndexFunc(out, func(o binding) bool { return o.Role == b.Role && o.Condition == nil && b.Condition == nil })
		if same < 0 {
			out = append(out, binding{Role: b.Role, Members: members, Condition: b.Condition})
			continue
		}
		for _, m := range members {
			if !slices.Contains(out[same].Members, m) {
				out[same].Members = append(out[same].Members, m)
			}
		}
	}
	if principals > maxPrincipals {
		return nil, invalid("The number of members in the policy (%d) is larger than the maximum allowed size %d.", principals, maxPrincipals)
	}
	return out, nil
}

func memberForm() *regexp.Regexp {
	return regexp.MustCompile(`^(allUsers|allAuthenticatedUsers|(user|serviceAccount|group):[^@\s]+@[^@\s]+|domain:\S+|project(Owner|Editor|Viewer):\S+|(principal|principalSet)://\S+)$`)
}

// testPermissions answers those of the asked permissions that the caller holds.
func testPermissions(c *call) error {
	asked := c.query["permissions"]
	out := map[string]any{"kind": "storage#testIamPermissionsResponse"}
	err := c.do(func(t *tx) error {
		held := []string{}
		for _, p := range asked {
			if !strings.HasPrefix(p, "storage.") || strings.Contains(p, "*") {
				return invalid("Invalid argument: the permission %q.", p)
			}
			if t.has(p, "") {
				held = append(held, p)
			}
		}
		if len(asked) == 0 {
			return required("permissions")
		}
		if len(held) > 0 {
			out["permissions"] = held
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}
