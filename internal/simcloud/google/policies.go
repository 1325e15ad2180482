package google

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Policy is the IAM policy that somebody has set on a key of Cloud KMS, a key
// ring or a project; its Name is the resource's: projects/P/locations/L/
// keyRings/R/cryptoKeys/K. Keys are not made: each that is named exists.
type Policy struct {
	engine.Meta
	Bindings []Binding `json:"bindings"`
}

// Links let a policy be found.
func (p *Policy) Links() []engine.Ref { return []engine.Ref{named("policies", "", p.Name)} }

// Binding gives a role to principals.
type Binding struct {
	Role    string   `json:"role"`
	Members []string `json:"members"`
	// Condition is an expression that is not evaluated here: it never holds.
	Condition map[string]string `json:"condition,omitempty"`
}

var policies = engine.NewKind[Policy]("google_iam_policy")

// cryptoRole is the role with which Compute Engine's service agent uses a key
// (https://cloud.google.com/compute/docs/disks/customer-managed-encryption).
const cryptoRole = "roles/cloudkms.cryptoKeyEncrypterDecrypter"

// everybody is the principal that each service account is.
const everybody = "allAuthenticatedUsers"

// policyOf gives what is in force on a resource itself. Until somebody sets a
// key's policy, everybody may use it: so that configurations that name keys
// work without any preparation.
func policyOf(tx *engine.Tx, project, resource string) []Binding {
	if p := storedPolicy(tx, project, resource); p != nil {
		return p.Bindings
	}
	if strings.Contains(resource, "/cryptoKeys/") {
		return []Binding{{Role: cryptoRole, Members: []string{everybody}}}
	}
	return nil
}

func storedPolicy(tx *engine.Tx, project, resource string) *Policy {
	if rows := policies.To(tx, project, named("policies", "", resource)); len(rows) > 0 {
		return rows[0]
	}
	return nil
}

// agentOf is the service account in whose name Compute Engine uses the keys of
// a project's disks.
func agentOf(project string) string {
	return fmt.Sprintf("service-%d@compute-system.iam.gserviceaccount.com", projectNumber(project))
}

// permitKey refuses a key that an account may not use: the policies of the key,
// of its ring and of its project add up.
func (c *call) permitKey(name, account string) error {
	key, _, _ := strings.Cut(name, "/cryptoKeyVersions/")
	if account == "" {
		account = agentOf(c.project)
	}
	ring, _, _ := strings.Cut(key, "/cryptoKeys/")
	project := strings.Split(key, "/")[1]
	for _, resource := range []string{key, ring, "projects/" + project} {
		if grants(policyOf(c.tx, project, resource), account) {
			return nil
		}
	}
	e := fail(http.StatusBadRequest, "kmsPermissionDenied",
		"Cloud KMS error when using key %s: Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '%s' (or it may not exist).", key, key)
	return e
}

func grants(bindings []Binding, account string) bool {
	return slices.ContainsFunc(bindings, func(b Binding) bool {
		return b.Role == cryptoRole && len(b.Condition) == 0 &&
			(slices.Contains(b.Members, "serviceAccount:"+account) || slices.Contains(b.Members, everybody) || slices.Contains(b.Members, "allUsers"))
	})
}

// policyModule serves what of Cloud KMS (kms/v1/) and of the Resource Manager
// (cloudresourcemanager/) tells who may use a key. The shapes are those of
// cloudkms-api.json and cloudresourcemanager-api.json of google.golang.org/api.
func policyModule() module {
	const (
		ring    = "kms/v1/projects/{project}/locations/{location}/keyRings/{ring}"
		key     = ring + "/cryptoKeys/{key}"
		manager = "cloudresourcemanager/"
	)
	m := module{kinds: []engine.AnyKind{policies}}
	for _, resource := range []string{ring, key} {
		m.routes = append(m.routes,
			&route{method: http.MethodGet, path: resource + ":getIamPolicy", group: groupPolicies, do: getPolicy},
			&route{method: http.MethodPost, path: resource + ":setIamPolicy", group: groupPolicies, do: setPolicy})
	}
	for _, version := range []string{"v1", "v3"} {
		project := manager + version + "/projects/{project}"
		m.routes = append(m.routes,
			&route{method: http.MethodPost, path: project + ":getIamPolicy", group: groupPolicies, reads: true, do: getPolicy},
			&route{method: http.MethodPost, path: project + ":setIamPolicy", group: groupPolicies, do: setPolicy})
	}
	m.routes = append(m.routes, &route{method: http.MethodPost, path: manager + "v1/projects/{project}:getAncestry", group: groupPolicies, reads: true, do: getAncestry})
	return m
}

// policyResource is the name of the resource in the request's path.
func (c *call) policyResource() string {
	path, _, _ := strings.Cut(c.r.URL.Path[strings.Index(c.r.URL.Path, "projects/"):], ":")
	return path
}

func getPolicy(c *call) (any, error) {
	return viewPolicy(policyOf(c.tx, c.project, c.policyResource())), nil
}

func viewPolicy(bindings []Binding) map[string]any {
	view := map[string]any{"version": 1, "etag": etagOf(bindings)}
	if len(bindings) > 0 {
		view["bindings"] = bindings
	}
	return view
}

// etagOf changes with the bindings; 12 characters of base64 as the vendor's.
func etagOf(bindings []Binding) string {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, bindings)
	return fmt.Sprintf("Bw%08xA=", uint32(h.Sum64()))
}

var (
	rolePattern   = regexp.MustCompile(`^(projects/[^/]+/|organizations/[^/]+/)?roles/[A-Za-z0-9_.]+$`)
	memberPattern = regexp.MustCompile(`^(allUsers|allAuthenticatedUsers|((user|serviceAccount|group):[^@\s]+@[^@\s]+)|domain:\S+|principal(Set)?://\S+|deleted:\S+)$`)
)

func setPolicy(c *call) (any, error) {
	var in struct {
		Policy *struct {
			Bindings []Binding `json:"bindings"`
			ETag     string    `json:"etag"`
		} `json:"policy"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) error {
		return &Error{Code: http.StatusBadRequest, Status: "INVALID_ARGUMENT", Message: fmt.Sprintf(format, args...)}
	}
	if in.Policy == nil {
		return nil, bad("Required field 'policy' not specified.")
	}
	for _, b := range in.Policy.Bindings {
		if !rolePattern.MatchString(b.Role) {
			return nil, bad("Role %s is not supported for this resource.", b.Role)
		}
		for _, member := range b.Members {
			if !memberPattern.MatchString(member) {
				return nil, bad("Invalid principal (%s).", member)
			}
		}
	}
	resource := c.policyResource()
	if in.Policy.ETag != "" && in.Policy.ETag != etagOf(policyOf(c.tx, c.project, resource)) {
		return nil, &Error{Code: http.StatusConflict, Status: "ABORTED",
			Message: "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."}
	}
	p := storedPolicy(c.tx, c.project, resource)
	if p == nil {
		p = &Policy{Meta: engine.Meta{Project: c.project, Name: resource}}
		policies.Insert(c.tx, p)
	} else {
		p = policies.Edit(c.tx, c.project, p.ID)
	}
	p.Bindings = in.Policy.Bindings
	return viewPolicy(p.Bindings), nil
}

// getAncestry: no project here belongs to a folder or an organization.
func getAncestry(c *call) (any, error) {
	return map[string]any{"ancestor": []any{map[string]any{"resourceId": map[string]string{"type": "project", "id": c.project}}}}, nil
}
