package google

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

// The vendor's own addresses of Cloud KMS and of the Resource Manager.
const (
	vendorKMS     = "https://cloudkms.googleapis.com/v1"
	vendorManager = "https://cloudresourcemanager.googleapis.com"
)

// policyReader reads IAM policies over plain HTTP: the methods getIamPolicy of
// Cloud KMS v1 and of Resource Manager v3, and projects.getAncestry of v1,
// which v3 does not have.
type policyReader struct {
	client *http.Client
	// kms ends with the version, manager with the host; without one nothing is
	// asked there.
	kms, manager string
}

func newPolicyReader(client *http.Client, options Options) policyReader {
	r := policyReader{client: client, kms: strings.TrimRight(options.KMSEndpoint, "/"),
		manager: strings.TrimSuffix(strings.TrimSuffix(strings.TrimRight(options.ResourceManagerEndpoint, "/"), "/v1"), "/v3")}
	if options.Endpoint == "" {
		r.kms, r.manager = cmp.Or(r.kms, vendorKMS), cmp.Or(r.manager, vendorManager)
	}
	return r
}

// binding is a part of a policy: who has a role.
type binding struct {
	Role      string          `json:"role"`
	Members   []string        `json:"members"`
	Condition json.RawMessage `json:"condition"`
}

// outcome says what became of a question.
type outcome int

const (
	// unknown: no right to ask, or no answer.
	unknown outcome = iota
	// absent: there is no such resource.
	absent
	answered
)

// ofKey reads the policy of a key or a key ring.
func (r policyReader) ofKey(ctx context.Context, resource string) ([]binding, outcome) {
	var policy struct{ Bindings []binding }
	found := r.ask(ctx, http.MethodGet, r.kms+"/"+resource+":getIamPolicy?options.requestedPolicyVersion=3", nil, &policy)
	return policy.Bindings, found
}

// ancestors gives a project, its folders and its organization as names of v3:
// "folders/4711".
func (r policyReader) ancestors(ctx context.Context, project string) ([]string, outcome) {
	if r.manager == "" {
		return nil, unknown
	}
	var ancestry struct {
		Ancestor []struct {
			ResourceID struct{ Type, ID string } `json:"resourceId"`
		}
	}
	found := r.ask(ctx, http.MethodPost, r.manager+"/v1/projects/"+project+":getAncestry", struct{}{}, &ancestry)
	var names []string
	for _, one := range ancestry.Ancestor {
		names = append(names, one.ResourceID.Type+"s/"+one.ResourceID.ID)
	}
	return names, found
}

// ofAncestor reads the policy of a project, a folder or an organization.
func (r policyReader) ofAncestor(ctx context.Context, name string) ([]binding, outcome) {
	var policy struct{ Bindings []binding }
	body := map[string]any{"options": map[string]int{"requestedPolicyVersion": 3}}
	found := r.ask(ctx, http.MethodPost, r.manager+"/v3/"+name+":getIamPolicy", body, &policy)
	return policy.Bindings, found
}

// maxPolicy bounds an answer: a policy has up to 1,500 principals
// (cloud.google.com/iam/quotas), of some hundred bytes each.
const maxPolicy = 4 << 20

func (r policyReader) ask(ctx context.Context, method, url string, in, out any) outcome {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return unknown
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return unknown
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := r.client.Do(request)
	if err != nil {
		return unknown
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPolicy))
	if err != nil {
		return unknown
	}
	var refused struct{ Error struct{ Status string } }
	switch {
	case response.StatusCode == http.StatusNotFound && json.Unmarshal(text, &refused) == nil && refused.Error.Status == "NOT_FOUND":
		return absent
	case response.StatusCode != http.StatusOK || json.Unmarshal(text, out) != nil:
		return unknown
	}
	return answered
}

// verdict says what policies mean for the service agent.
type verdict int

const (
	denied verdict = iota
	// perhaps: a group, a condition or a role whose permissions are not known
	// may let it.
	perhaps
	allowed
)

// keyRole is the role that Compute Engine's service agent needs
// (cloud.google.com/compute/docs/disks/customer-managed-encryption).
const keyRole = "roles/cloudkms.cryptoKeyEncrypterDecrypter"

// judge tells whether bindings let the service agent encrypt and decrypt.
func judge(bindings []binding, agent string) verdict {
	best := denied
	for _, b := range bindings {
		best = max(best, judgeOne(b, agent))
	}
	return best
}

func judgeOne(b binding, agent string) verdict {
	everybody := slices.Contains(b.Members, "allUsers") || slices.Contains(b.Members, "allAuthenticatedUsers")
	itself := everybody || slices.Contains(b.Members, "serviceAccount:"+agent)
	within := slices.ContainsFunc(b.Members, func(member string) bool {
		return strings.HasPrefix(member, "group:") || strings.HasPrefix(member, "principalSet:")
	})
	conditional := len(b.Condition) > 0 && string(b.Condition) != "null"
	switch {
	case !itself && !within:
		return denied
	case b.Role == keyRole && itself && !conditional:
		return allowed
	case strings.HasPrefix(b.Role, "roles/cloudkms.cryptoKey"), strings.HasPrefix(b.Role, "roles/cloudkms.cryptoOperator"),
		!strings.HasPrefix(b.Role, "roles/"):
		// What a role of the customer's own permits is not known.
		return perhaps
	case itself && !strings.HasSuffix(strings.ToLower(b.Role), "serviceagent"):
		// Owners, editors and others; the roles that service agents have by
		// themselves hold no permission on keys. Nobody makes a service agent
		// the owner of a project by a group.
		return perhaps
	}
	return denied
}
