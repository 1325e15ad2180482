package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// A disk under a key that Compute Engine may not use is refused before the
// first disk is asked for, with the command that helps.
func TestGoogleKeyWithoutPermission(t *testing.T) {
	g := google{startWorld(t)}
	root := strings.TrimSuffix(g.compute(), "/compute/v1/")
	t.Setenv("GOOGLE_KMS_CUSTOM_ENDPOINT", root+"/kms/v1/")
	t.Setenv("GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT", root+"/cloudresourcemanager/v1/")
	const key = "projects/acme-keys/locations/europe-west3/keyRings/disks/cryptoKeys/acme"
	allow := func(bindings string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, root+"/kms/v1/"+key+":setIamPolicy", strings.NewReader(`{"policy":{"bindings":[`+bindings+`]}}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatal(response.Status)
		}
	}
	allow("")
	config := g.config("resource \"holdfast_volume\" \"data\" {\n name = \"data\"\n location = local.here\n size_gb = 10\n google {\n kms_key = \"" + key + "\"\n }\n}\n")
	inserts := func() int {
		return g.RequestsOf("google").Routes["POST /compute/v1/projects/{project}/zones/{zone}/disks"]
	}
	g.test(t,
		resource.TestStep{Config: config, ExpectError: says("kms_key =", "(ENC-1, ENC-2)", "gcloud kms keys add-iam-policy-binding acme --keyring disks --location europe-west3 --project acme-keys")},
		resource.TestStep{
			PreConfig: func() {
				if n := inserts(); n != 0 {
					t.Errorf("%d disks were asked for", n)
				}
				allow(`{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["allAuthenticatedUsers"]}`)
			},
			Config: config, Check: holds("holdfast_volume.data", map[string]string{"google.kms_key": key}),
		},
	)
}
