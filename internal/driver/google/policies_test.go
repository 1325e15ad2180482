package google

import (
	"encoding/json"
	"testing"
)

func TestJudge(t *testing.T) {
	const agent = "service-4711@compute-system.iam.gserviceaccount.com"
	tests := map[string]struct {
		bindings string
		want     verdict
	}{
		"nothing":            {`[]`, denied},
		"the role":           {`[{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["user:a@example.com","serviceAccount:` + agent + `"]}]`, allowed},
		"another agent":      {`[{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["serviceAccount:service-1@compute-system.iam.gserviceaccount.com"]}]`, denied},
		"a deleted one":      {`[{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["deleted:serviceAccount:` + agent + `?uid=1"]}]`, denied},
		"everybody":          {`[{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["allAuthenticatedUsers"]}]`, allowed},
		"a group":            {`[{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["group:agents@example.com"]}]`, perhaps},
		"a set":              {`[{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["principalSet://cloudresourcemanager.googleapis.com/projects/1/type/ServiceAgent"]}]`, perhaps},
		"a condition":        {`[{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["serviceAccount:` + agent + `"],"condition":{"expression":"request.time < timestamp('2027-01-01T00:00:00Z')"}}]`, perhaps},
		"half of the role":   {`[{"role":"roles/cloudkms.cryptoKeyEncrypter","members":["serviceAccount:` + agent + `"]}]`, perhaps},
		"own role":           {`[{"role":"projects/acme/roles/disks","members":["group:agents@example.com"]}]`, perhaps},
		"owner":              {`[{"role":"roles/owner","members":["serviceAccount:` + agent + `"]}]`, perhaps},
		"owning group":       {`[{"role":"roles/owner","members":["group:admins@example.com"]}]`, denied},
		"its own role":       {`[{"role":"roles/compute.serviceAgent","members":["serviceAccount:` + agent + `"]}]`, denied},
		"the clearest wins":  {`[{"role":"roles/owner","members":["serviceAccount:` + agent + `"]},{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["serviceAccount:` + agent + `"]}]`, allowed},
		"somebody's reading": {`[{"role":"roles/viewer","members":["user:a@example.com"]}]`, denied},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var bindings []binding
			if err := json.Unmarshal([]byte(test.bindings), &bindings); err != nil {
				t.Fatal(err)
			}
			if got := judge(bindings, agent); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}
