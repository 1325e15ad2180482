package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// Whoever takes off or changes labels at Hetzner Cloud has nothing replaced.
func TestLabelsOfEverythingOnHetzner(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	config := w.onEstate(attrs{"volume_ids": "[holdfast_volume.data.id]"}, volume("data", "hetzner/fsn1", 20, `tenant = "acme"`))
	some := func(labels map[string]string) map[string]string {
		if labels == nil {
			return map[string]string{} // nil means no change
		}
		return labels
	}
	theKey := func() *hcloud.SSHKey { return theOnly(t, must2[[]*hcloud.SSHKey](t)(w.Client.SSHKey.All(ctx))) }
	theFirewall := func() *hcloud.Firewall {
		return theOnly(t, must2[[]*hcloud.Firewall](t)(w.Client.Firewall.All(ctx)))
	}
	bearers{config, []*bearer{
		{address: "holdfast_ssh_key.admin", without: []string{"holdfast-tenant", "holdfast-location"},
			get: func() map[string]string { return theKey().Labels },
			put: func(labels map[string]string) {
				must[*hcloud.SSHKey](t)(w.Client.SSHKey.Update(ctx, theKey(), hcloud.SSHKeyUpdateOpts{Labels: some(labels)}))
			}},
		{address: net1,
			get: func() map[string]string { return theNetwork(t, w).Labels },
			put: func(labels map[string]string) {
				must[*hcloud.Network](t)(w.Client.Network.Update(ctx, theNetwork(t, w), hcloud.NetworkUpdateOpts{Labels: some(labels)}))
			}},
		{address: "holdfast_firewall.web",
			get: func() map[string]string { return theFirewall().Labels },
			put: func(labels map[string]string) {
				must[*hcloud.Firewall](t)(w.Client.Firewall.Update(ctx, theFirewall(), hcloud.FirewallUpdateOpts{Labels: some(labels)}))
			}},
		{address: dataVolume,
			get: func() map[string]string { return w.theVolume(t).Labels },
			put: func(labels map[string]string) {
				must[*hcloud.Volume](t)(w.Client.Volume.Update(ctx, w.theVolume(t), hcloud.VolumeUpdateOpts{Labels: some(labels)}))
			}},
		{address: webVM,
			get: func() map[string]string { return w.theServer(t).Labels },
			put: func(labels map[string]string) {
				must[*hcloud.Server](t)(w.Client.Server.Update(ctx, w.theServer(t), hcloud.ServerUpdateOpts{Labels: some(labels)}))
			}},
	}}.survive(t, w.test)
}

func theOnly[T any](t *testing.T, list []T) T {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("there are %d, want one", len(list))
	}
	return list[0]
}

func must2[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// says does one request to the embedded Compute Engine, as somebody else would.
func (g google) says(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(context.Background(), method, g.compute()+"projects/"+googleProject+path, &text)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode == http.StatusNotFound {
		return nil
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: status %d, %s", method, path, response.StatusCode, answer)
	}
	var found map[string]any
	if err := json.Unmarshal(answer, &found); err != nil {
		t.Fatal(err)
	}
	g.ended(t, method, path, found)
	return found
}

// ended waits for the operation that a write began.
func (g google) ended(t *testing.T, method, path string, operation map[string]any) {
	t.Helper()
	if method == http.MethodGet {
		return
	}
	scope := "/global"
	if strings.HasPrefix(path, "/zones/") {
		scope = "/" + strings.Join(strings.Split(path, "/")[1:3], "/")
	}
	for operation["status"] != "DONE" {
		time.Sleep(10 * time.Millisecond)
		operation = g.says(t, http.MethodGet, fmt.Sprintf("%s/operations/%s", scope, operation["name"]), nil)
	}
	if failed := operation["error"]; failed != nil {
		t.Fatalf("%s %s: %v", method, path, failed)
	}
}

func pairs(value any) map[string]string {
	object, _ := value.(map[string]any)
	labels := map[string]string{}
	for key, text := range object {
		labels[key] = fmt.Sprint(text)
	}
	return labels
}

func parsed(t *testing.T, text any) map[string]any {
	t.Helper()
	var found map[string]any
	if text == nil || text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(fmt.Sprint(text)), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func written(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// native has labels of its own: a disk or an instance.
func (g google) native(t *testing.T, address, path string) *bearer {
	return &bearer{address: address,
		get: func() map[string]string { return pairs(g.says(t, http.MethodGet, path, nil)["labels"]) },
		put: func(labels map[string]string) {
			have := g.says(t, http.MethodGet, path, nil)
			g.says(t, http.MethodPost, path+"/setLabels", map[string]any{"labels": labels, "labelFingerprint": have["labelFingerprint"]})
		}}
}

// described keeps its labels in the description of a rule; from is where they
// are until there is one, and insert makes it.
func (g google) described(t *testing.T, address, rule, from string, insert map[string]any) *bearer {
	return &bearer{address: address,
		get: func() map[string]string {
			have := g.says(t, http.MethodGet, rule, nil)
			if have == nil {
				have = g.says(t, http.MethodGet, from, nil)
			}
			return pairs(parsed(t, have["description"]))
		},
		put: func(labels map[string]string) {
			text := written(t, labels)
			if labels == nil {
				text = "{}"
			}
			if g.says(t, http.MethodGet, rule, nil) == nil {
				insert["description"] = text
				g.says(t, http.MethodPost, "/global/firewalls", insert)
				return
			}
			g.says(t, http.MethodPatch, rule, map[string]any{"description": text})
		}}
}

// keyItem is an SSH key in the project's metadata.
func (g google) keyItem(t *testing.T, address, item string) *bearer {
	metadata := func() (map[string]any, map[string]any) {
		all, _ := g.says(t, http.MethodGet, "", nil)["commonInstanceMetadata"].(map[string]any)
		items, _ := all["items"].([]any)
		for _, one := range items {
			if entry, ok := one.(map[string]any); ok && entry["key"] == item {
				return all, entry
			}
		}
		t.Fatalf("the project's metadata has no %s: %v", item, all)
		return nil, nil
	}
	return &bearer{address: address, without: []string{"holdfast-tenant", "holdfast-location"},
		get: func() map[string]string {
			_, entry := metadata()
			return pairs(parsed(t, entry["value"])["labels"])
		},
		put: func(labels map[string]string) {
			all, entry := metadata()
			value := parsed(t, entry["value"])
			value["labels"] = labels
			entry["value"] = written(t, value)
			g.says(t, http.MethodPost, "/setCommonInstanceMetadata", all)
		}}
}

// Nor does whoever does it at Google Cloud, where some labels are descriptions,
// and a network's range is among them.
func TestLabelsOfEverythingOnGoogle(t *testing.T) {
	g := newGoogle(t)
	const zone = "europe-west3-a"
	config := g.config(estateNow().estate() + `
resource "holdfast_firewall" "shared" {
  name     = "shared"
  location = local.here
  rules    = [{ protocol = "tcp", port = "80", networks = ["0.0.0.0/0"] }]
}`)
	rule := func(name string) string { return "/global/firewalls/" + name + "-" + zone }
	shared := g.described(t, "holdfast_firewall.shared", rule("shared"), "", nil)
	bearers{config, []*bearer{
		g.keyItem(t, "holdfast_ssh_key.admin", "holdfast-ssh-key-admin"),
		g.described(t, "holdfast_network.acme", rule("acme")+"-labels", "/global/networks/acme-"+zone, map[string]any{
			"name": "acme-" + zone + "-labels", "network": "projects/" + googleProject + "/global/networks/acme-" + zone,
			"disabled": true, "priority": 65535, "direction": "INGRESS", "sourceRanges": []string{"192.0.2.0/24"}, "denied": []any{map[string]any{"IPProtocol": "all"}},
		}),
		g.described(t, "holdfast_firewall.web", rule("web"), "", nil),
		shared,
		g.native(t, dataVolume, "/zones/"+zone+"/disks/data-"+zone),
		g.native(t, webVM, "/zones/"+zone+"/instances/web-"+zone),
	}}.survive(t, g.test)
}
