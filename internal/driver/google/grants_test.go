package google_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const (
	keysProject = "projects/acme-keys"
	diskRing    = keysProject + "/locations/europe-west3/keyRings/disks"
	diskKey     = diskRing + "/cryptoKeys/tenants"
	useKeys     = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
)

// connectWithKeys makes a driver that can look at the policies of keys.
func (w *world) connectWithKeys(t *testing.T) *google.Driver {
	t.Helper()
	return w.connectWith(t, func(options *google.Options) {
		options.KMSEndpoint, options.ResourceManagerEndpoint = w.url+"/kms/v1/", w.url+"/cloudresourcemanager/v1/"
	})
}

// bind sets the policy of a key, a ring or a project, as an administrator does:
// one binding, or none without members.
func (w *world) bind(t *testing.T, resource, role string, members ...string) {
	t.Helper()
	policy := map[string]any{}
	if len(members) > 0 {
		policy["bindings"] = []any{map[string]any{"role": role, "members": members}}
	}
	body, err := json.Marshal(map[string]any{"policy": policy})
	if err != nil {
		t.Fatal(err)
	}
	mount := "/kms/v1/"
	if resource == keysProject {
		mount = "/cloudresourcemanager/v3/"
	}
	response, err := client(t).Post(w.url+mount+resource+":setIamPolicy", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resource, response.Status)
	}
}

// agent is the service agent of the tests' project.
func (w *world) agent(t *testing.T) string {
	t.Helper()
	response, err := client(t).Get(w.url + "/compute/v1/projects/" + project)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var have struct{ DefaultServiceAccount string }
	if err := json.NewDecoder(response.Body).Decode(&have); err != nil {
		t.Fatal(err)
	}
	number, _, _ := strings.Cut(have.DefaultServiceAccount, "-")
	return "service-" + number + "@compute-system.iam.gserviceaccount.com"
}

func underKey(name string) cloud.VolumeSpec {
	return cloud.VolumeSpec{Meta: regionMeta(name), SizeGB: 10, Options: map[string]string{"kms_key": diskKey}}
}

// The questions, by what spent leaves of their paths.
const (
	askKey      = "GET /locations/{location}/keyRings/{ring}/cryptoKeys/{key}:getIamPolicy"
	askAncestry = "POST :getAncestry"
	askProject  = "POST :getIamPolicy"
)

// A key that may be used costs one look, and one at the project for its number.
func TestAKeyIsLookedAtOnce(t *testing.T) {
	w := newWorld(t, 0)
	w.bind(t, diskKey, useKeys, "serviceAccount:"+w.agent(t))
	d := w.connectWithKeys(t)
	w.spends(t, "three volumes under one key", map[string]int{"GET ": 1, askKey: 1, "POST /zones/{zone}/disks": 3}, func() error {
		var group sync.WaitGroup
		failures := make([]error, 3)
		for i := range failures {
			group.Go(func() { failures[i] = create(t, d.Volumes(), underKey(fmt.Sprint("v", i))) })
		}
		group.Wait()
		return errors.Join(failures...)
	})
	w.spends(t, "another", map[string]int{"POST /zones/{zone}/disks": 1}, func() error { return create(t, d.Volumes(), underKey("later")) })
	// Nothing is asked of a driver that is not told where, nor for no key.
	w.spends(t, "without an endpoint", map[string]int{"POST /zones/{zone}/disks": 1}, func() error { return create(t, w.connect(t).Volumes(), underKey("other")) })
}

// A key that may surely not be used is refused before anything is made, with
// the command that helps; once it has helped, the same run goes on.
func TestAKeyThatMayNotBeUsed(t *testing.T) {
	w := newWorld(t, 0)
	agent := w.agent(t)
	w.bind(t, diskKey, useKeys)
	d := w.connectWithKeys(t)
	for _, err := range []error{create(t, d.SSHKeys(), keySpec()), create(t, d.Networks(), tenantNetwork("one")), create(t, d.Firewalls(), tenantFirewall("one", "one-"+zone))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	vm := tenantVM("one")
	vm.Volumes, vm.Options = nil, map[string]string{"kms_key": diskKey}
	for kind, attempt := range map[cloud.Kind]func() error{
		cloud.KindVolume: func() error { return create(t, d.Volumes(), underKey("one")) },
		cloud.KindVM:     func() error { return create(t, d.VMs(), vm) },
	} {
		w.sim.ResetRequests()
		err := attempt()
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeUnauthorized || failed.Field != "google.kms_key" || failed.Kind != kind {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, want := range []string{"(ENC-1, ENC-2)", useKeys, agent, "nor its project"} {
			if !strings.Contains(failed.Message, want) {
				t.Errorf("%s: %q does not say %q", kind, failed.Message, want)
			}
		}
		command := `gcloud kms keys add-iam-policy-binding tenants --keyring disks --location europe-west3 --project acme-keys --member "serviceAccount:` + agent + `" --role ` + useKeys
		if !strings.Contains(failed.Remedy, command) {
			t.Errorf("%s: %q lacks %q", kind, failed.Remedy, command)
		}
		for route := range w.spent() {
			if method, _, _ := strings.Cut(route, " "); method != "GET" && route != askAncestry && route != askProject {
				t.Errorf("%s: %s was sent", kind, route)
			}
		}
	}
	for _, help := range []struct{ at, role, member string }{
		{diskKey, useKeys, "serviceAccount:" + agent}, {diskRing, useKeys, "serviceAccount:" + agent}, {keysProject, useKeys, "serviceAccount:" + agent},
	} {
		t.Run(help.at, func(t *testing.T) {
			w.bind(t, diskKey, useKeys)
			if err := create(t, d.Volumes(), underKey("x")); cloud.CodeOf(err) != cloud.CodeUnauthorized {
				t.Fatal(err)
			}
			w.bind(t, help.at, help.role, help.member)
			defer w.bind(t, help.at, help.role)
			// Another run would remember nothing.
			if err := create(t, w.connectWithKeys(t).Volumes(), underKey(fmt.Sprint("on-", strings.Count(help.at, "/")))); err != nil {
				t.Error(err)
			}
		})
	}
	w.bind(t, diskKey, useKeys, "serviceAccount:"+agent)
	if err := create(t, d.Volumes(), underKey("one")); err != nil {
		t.Errorf("the same run, after the key was let be used: %v", err)
	}
}

// What cannot be told is left to the request, whose refusal says what to do.
func TestAKeyOfWhichNothingIsTold(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, w *world){
		"no right to read the key's policy": func(t *testing.T, w *world) {
			w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Path: `cryptoKeys/tenants:getIamPolicy$`, Status: 403, Code: "forbidden"})
		},
		"no right to read the ring's": func(t *testing.T, w *world) {
			w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Path: `keyRings/disks:getIamPolicy$`, Status: 403, Code: "forbidden"})
		},
		"no right to read the ancestry": func(t *testing.T, w *world) {
			w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Path: `:getAncestry$`, Status: 403, Code: "forbidden"})
		},
		"no right to read the project's": func(t *testing.T, w *world) {
			w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Path: `v3/projects/acme-keys:getIamPolicy$`, Status: 403, Code: "forbidden"})
		},
		"a service that fails": func(t *testing.T, w *world) {
			w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Path: `^/kms/`, Status: 503})
		},
		"a service that closes connections": func(t *testing.T, w *world) {
			w.fault(t, simcloud.Fault{Kind: simcloud.FaultDropBefore, Path: `^/kms/`})
		},
		"a page that is no answer": func(t *testing.T, w *world) {
			w.fault(t, simcloud.Fault{Kind: simcloud.FaultError, Path: `^/kms/`, Status: 404, Code: "notFound"})
		},
		"a group": func(t *testing.T, w *world) { w.bind(t, diskRing, useKeys, "group:agents@example.com") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 0)
			w.bind(t, diskKey, useKeys)
			prepare(t, w)
			w.sim.ResetRequests()
			err := create(t, w.connectWithKeys(t).Volumes(), underKey("one"))
			var failed *cloud.Error
			if !errors.As(err, &failed) || failed.VendorCode != "kmsPermissionDenied" || failed.Field != "google.kms_key" || !strings.Contains(failed.Remedy, "gcloud kms keys add-iam-policy-binding tenants") {
				t.Errorf("%v", err)
			}
			if n := w.spent()["POST /zones/{zone}/disks"]; n != 1 {
				t.Errorf("%d inserts, want the one that is refused", n)
			}
		})
	}
}

// Folders and organizations may let the key be used: what they say counts, and
// that they say nothing counts only if it was heard.
func TestKeysBelowAnOrganization(t *testing.T) {
	const agent = "service-123456789012@compute-system.iam.gserviceaccount.com"
	bindings := object{"bindings": []object{{"role": useKeys, "members": []string{"serviceAccount:" + agent}}}}
	for name, test := range map[string]struct {
		organization object
		status       int
		refused      bool
	}{
		"lets it":           {bindings, 200, false},
		"does not":          {object{}, 200, true},
		"is not to be read": {refusal(403, "forbidden", "Permission 'resourcemanager.organizations.getIamPolicy' denied"), 403, false},
	} {
		t.Run(name, func(t *testing.T) {
			inserted := false
			server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, request *http.Request) {
				status, answer := 200, object{}
				switch _, path, _ := strings.Cut(request.URL.Path, "/v"); {
				case strings.HasSuffix(path, "projects/"+project):
					answer = object{"name": project, "defaultServiceAccount": "123456789012-compute@developer.gserviceaccount.com"}
				case strings.HasSuffix(path, ":getAncestry"):
					answer = object{"ancestor": []object{{"resourceId": object{"type": "project", "id": "acme-keys"}},
						{"resourceId": object{"type": "folder", "id": "4711"}}, {"resourceId": object{"type": "organization", "id": "42"}}}}
				case path == "3/organizations/42:getIamPolicy":
					status, answer = test.status, test.organization
				case strings.HasSuffix(path, ":getIamPolicy"):
				case strings.HasSuffix(path, "/disks"):
					inserted = true
					answer = object{"name": "op", "status": "DONE", "zone": "zones/" + zone}
				default:
					status = 500
				}
				out.Header().Set("Content-Type", "application/json")
				out.WriteHeader(status)
				_ = json.NewEncoder(out).Encode(answer)
			}))
			defer server.Close()
			w := newWorld(t, 0)
			d := w.connectWith(t, func(options *google.Options) {
				options.Endpoint, options.KMSEndpoint, options.ResourceManagerEndpoint = server.URL, server.URL+"/v1", server.URL
			})
			err := create(t, d.Volumes(), underKey("one"))
			if refused := cloud.CodeOf(err) == cloud.CodeUnauthorized; refused != test.refused || inserted == test.refused || err != nil && !refused {
				t.Errorf("inserted: %v, %v", inserted, err)
			}
			if test.refused && !strings.Contains(err.Error(), "nor a folder or organization above") {
				t.Errorf("%v", err)
			}
		})
	}
}

// A key, or a ring, that is not there.
func TestAKeyThatIsNotThere(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, request *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(request.URL.Path, "/v1/") {
			out.WriteHeader(404)
			_ = json.NewEncoder(out).Encode(object{"error": object{"code": 404, "message": "CryptoKey " + diskKey + " not found.", "status": "NOT_FOUND"}})
			return
		}
		_ = json.NewEncoder(out).Encode(object{"name": project, "defaultServiceAccount": "123456789012-compute@developer.gserviceaccount.com"})
	}))
	defer server.Close()
	w := newWorld(t, 0)
	d := w.connectWith(t, func(options *google.Options) { options.KMSEndpoint = server.URL + "/v1" })
	err := create(t, d.Volumes(), underKey("one"))
	var failed *cloud.Error
	if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != "google.kms_key" || !strings.Contains(failed.Message, "does not know the key") {
		t.Errorf("%v", err)
	}
	if n := len(w.sim.Objects("google_disk")); n != 0 {
		t.Errorf("%d disks", n)
	}
}
