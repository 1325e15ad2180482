package google_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// service asks another of the vendor's services than Compute Engine.
func (c *cloud) service(method, path string, in any) (int, map[string]any) {
	c.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(c.ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := (&http.Client{Transport: bearer{"t"}}).Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	out := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		c.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return response.StatusCode, out
}

// members sets who may use a key by the policy of a resource: of a key or a
// ring in Cloud KMS, or of a project.
func (c *cloud) members(resource string, members ...string) {
	c.t.Helper()
	mount := "/kms/v1/"
	if strings.Count(resource, "/") == 1 {
		mount = "/cloudresourcemanager/v3/"
	}
	var bindings []map[string]any
	if len(members) > 0 {
		bindings = append(bindings, map[string]any{"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": members})
	}
	if status, out := c.service("POST", mount+resource+":setIamPolicy", map[string]any{"policy": map[string]any{"bindings": bindings}}); status != 200 {
		c.t.Fatalf("%s: %d %v", resource, status, out)
	}
}

// Who may use a key is decided by the policies of the key, its ring and its
// project; a disk under a key that may not be used is not made.
func TestKeyPolicies(t *testing.T) {
	c := newCloud(t, google.Options{})
	ring, _, _ := strings.Cut(goodKey, "/cryptoKeys/")
	keys := strings.Join(strings.Split(goodKey, "/")[:2], "/")
	_, project := c.do("GET", "", nil)
	number, _, _ := strings.Cut(project["defaultServiceAccount"].(string), "-")
	agent := "serviceAccount:service-" + number + "@compute-system.iam.gserviceaccount.com"
	n := 0
	insert := func() int {
		n++
		status, out := c.do("POST", "/"+zoneOf+"/disks", map[string]any{"name": fmt.Sprint("d", n), "sizeGb": "10", "diskEncryptionKey": map[string]string{"kmsKeyName": goodKey}})
		if status != 200 {
			e := out["error"].(map[string]any)
			if reason := e["errors"].([]any)[0].(map[string]any)["reason"]; reason != "kmsPermissionDenied" || !strings.Contains(e["message"].(string), "useToEncrypt' denied on resource '"+goodKey) {
				t.Errorf("refused with %v", e)
			}
		}
		return status
	}
	for _, step := range []struct {
		name     string
		resource string
		members  []string
		want     int
	}{
		{"nobody has set anything", "", nil, 200},
		{"nobody", goodKey, nil, 400},
		{"another project's agent", goodKey, []string{"serviceAccount:service-1@compute-system.iam.gserviceaccount.com"}, 400},
		{"the agent, on the ring", ring, []string{agent}, 200},
		{"taken back", ring, nil, 400},
		{"the agent, on the project", keys, []string{agent}, 200},
		{"taken back", keys, []string{"user:alice@example.com"}, 400},
		{"the agent", goodKey, []string{agent}, 200},
	} {
		if step.resource != "" {
			c.members(step.resource, step.members...)
		}
		if got := insert(); got != step.want {
			t.Errorf("%s: %d, want %d", step.name, got, step.want)
		}
	}

	status, policy := c.service("GET", "/kms/v1/"+goodKey+":getIamPolicy", nil)
	if text := fmt.Sprint(policy["bindings"]); status != 200 || !strings.Contains(text, agent) || policy["etag"] == "" {
		t.Errorf("%d %v", status, policy)
	}
	status, out := c.service("POST", "/kms/v1/"+goodKey+":setIamPolicy", map[string]any{"policy": map[string]any{"etag": "BwOLD="}})
	if status != 409 || out["error"].(map[string]any)["status"] != "ABORTED" {
		t.Errorf("an old etag: %d %v", status, out)
	}
	for name, binding := range map[string]map[string]any{"role": {"role": "owner", "members": []string{agent}},
		"member": {"role": "roles/owner", "members": []string{"alice"}}} {
		if status, out := c.service("POST", "/kms/v1/"+goodKey+":setIamPolicy", map[string]any{"policy": map[string]any{"bindings": []any{binding}}}); status != 400 {
			t.Errorf("a bad %s: %d %v", name, status, out)
		}
	}
	status, out = c.service("POST", "/cloudresourcemanager/v1/"+keys+":getAncestry", map[string]any{})
	if status != 200 || !strings.Contains(fmt.Sprint(out), "id:"+strings.TrimPrefix(keys, "projects/")) {
		t.Errorf("%d %v", status, out)
	}
	// The vendor's other services have no part in Compute Engine's counts.
	if counts := c.api.Recorder().Snapshot().Routes; counts["GET /kms/v1/projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}:getIamPolicy"] != 1 {
		t.Errorf("%v", counts)
	}
}
