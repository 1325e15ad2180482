package google

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// MetadataName is the name by which machines ask for the metadata server; its address
// is 169.254.169.254.
const MetadataName = "metadata.google.internal"

// metadataOf is the metadata server of an instance
// (https://cloud.google.com/compute/docs/metadata/querying-metadata): a tree under
// /computeMetadata/v1/. Folders list their entries, or with ?recursive=true come as
// JSON; a request without Metadata-Flavor: Google, or with X-Forwarded-For, is
// refused. Waiting for changes is not there.
func (a *API) metadataOf(project string, instance int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		w.Header().Set("Server", "Metadata Server for VM")
		if r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Forwarded-For") != "" {
			http.Error(w, "Missing required header \"Metadata-Flavor\": \"Google\"", http.StatusForbidden)
			return
		}
		var tree map[string]any
		err := a.eng.Do(func(tx *engine.Tx) error {
			i := instances.kind.Get(tx, project, instance)
			if i == nil {
				return fmt.Errorf("there is no instance %d", instance)
			}
			tree = a.metadataTree(tx, i)
			return nil
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		rest, ok := strings.CutPrefix(r.URL.Path, "/computeMetadata/v1")
		if !ok {
			http.NotFound(w, r)
			return
		}
		var node any = tree
		for _, element := range strings.FieldsFunc(rest, func(c rune) bool { return c == '/' }) {
			folder, _ := node.(map[string]any)
			if node, ok = folder[element]; !ok {
				http.NotFound(w, r)
				return
			}
		}
		answerNode(w, r, node)
	})
}

func answerNode(w http.ResponseWriter, r *http.Request, node any) {
	folder, isFolder := node.(map[string]any)
	switch {
	case isFolder && strings.EqualFold(r.URL.Query().Get("recursive"), "true"), !isFolder && r.URL.Query().Get("alt") == "json":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(recursive(node))
	case isFolder:
		w.Header().Set("Content-Type", "application/text")
		for _, name := range slices.Sorted(maps.Keys(folder)) {
			if _, below := folder[name].(map[string]any); below {
				name += "/"
			}
			_, _ = fmt.Fprintln(w, name)
		}
	default:
		w.Header().Set("Content-Type", "application/text")
		_, _ = fmt.Fprint(w, node)
	}
}

// recursive is a tree as JSON has it: names in camel case, but for the keys that
// users choose.
func recursive(node any) any {
	folder, ok := node.(map[string]any)
	if !ok {
		return node
	}
	out := map[string]any{}
	for name, child := range folder {
		if name == "attributes" {
			out[name] = child
			continue
		}
		words := strings.Split(name, "-")
		for i := 1; i < len(words); i++ {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
		out[strings.Join(words, "")] = recursive(child)
	}
	return out
}

func (a *API) metadataTree(tx *engine.Tx, i *Instance) map[string]any {
	number := projectNumber(i.Project)
	zone := path.Base(i.Scope)
	host := i.Hostname
	if host == "" {
		host = fmt.Sprintf("%s.%s.c.%s.internal", i.Name, zone, i.Project)
	}
	disksOf, nics := map[string]any{}, map[string]any{}
	for n, d := range i.Disks {
		disksOf[fmt.Sprint(n)] = map[string]any{"device-name": d.DeviceName, "index": n, "interface": d.Interface, "mode": d.Mode, "type": "PERSISTENT"}
	}
	for n, nic := range i.NICs {
		card := cardOf(tx, i, n)
		access := map[string]any{}
		for k, ac := range nic.AccessConfigs {
			access[fmt.Sprint(k)] = map[string]any{"external-ip": ac.NatIP, "type": ac.Type}
		}
		nics[fmt.Sprint(n)] = map[string]any{"ip": nic.IP, "mac": card.MAC, "gateway": card.Gateway.String(), "mtu": networkMTU, "access-configs": access,
			"network": fmt.Sprintf("projects/%d/networks/%d", number, nic.Network)}
	}
	accounts := map[string]any{}
	for n, s := range i.ServiceAccounts {
		account := map[string]any{"email": s.Email, "aliases": "default", "scopes": strings.Join(s.Scopes, "\n") + "\n", "token": a.instanceToken(s.Email)}
		accounts[s.Email] = account
		if n == 0 {
			accounts["default"] = account
		}
	}
	var common *Metadata
	if p := projects.Find(tx, i.Project, func(p *Project) bool { return p.Name == i.Project }); p != nil {
		common = p.Metadata
	}
	return map[string]any{
		"project": map[string]any{"project-id": i.Project, "numeric-project-id": number, "attributes": common.tree()},
		"instance": map[string]any{"id": i.number(), "name": i.Name, "hostname": host, "zone": fmt.Sprintf("projects/%d/zones/%s", number, zone),
			"machine-type": fmt.Sprintf("projects/%d/machineTypes/%s", number, i.MachineType), "description": i.Description, "tags": tagsJSON(i.Tags),
			"attributes": i.Metadata.tree(), "disks": disksOf, "network-interfaces": nics, "service-accounts": accounts},
	}
}

// instanceToken is the access token of a service account, as the metadata server gives
// it: the one that the simulation was configured with. Without one there is none.
func (a *API) instanceToken(address string) string {
	for token, of := range a.opts.ServiceAccounts {
		if of == address {
			out, _ := json.Marshal(map[string]any{"access_token": token, "expires_in": int(time.Hour / time.Second), "token_type": "Bearer"})
			return string(out)
		}
	}
	return ""
}

func tagsJSON(tags []string) string {
	out, _ := json.Marshal(append([]string{}, tags...)) // texts only
	return string(out)
}

// tree are the pairs of metadata.
func (m *Metadata) tree() map[string]any {
	out := map[string]any{}
	if m == nil {
		return out
	}
	for _, it := range m.Items {
		value := ""
		if it.Value != nil {
			value = *it.Value
		}
		out[it.Key] = value
	}
	return out
}
