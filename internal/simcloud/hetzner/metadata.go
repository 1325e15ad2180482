package hetzner

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// metadataOf is the metadata service of a server, as machines find it at
// 169.254.169.254 (docs.hetzner.cloud, server metadata; cloud-init's DataSourceHetzner
// is what reads it): /hetzner/v1/metadata in YAML, of which JSON is a part, each of
// its entries below it, and /hetzner/v1/userdata. No header is asked for.
func (a *API) metadataOf(project string, server int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var (
			entries  map[string]any
			userData string
		)
		err := a.eng.Do(func(tx *engine.Tx) error {
			s := servers.Get(tx, project, server)
			if s == nil {
				return fmt.Errorf("there is no server %d", server)
			}
			entries, userData = a.metadataEntries(tx, s), s.UserData
			return nil
		})
		path := strings.TrimSuffix(r.URL.Path, "/")
		name, below := strings.CutPrefix(path, "/hetzner/v1/metadata/")
		value, known := entries[name]
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case r.Method != http.MethodGet:
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case path == "/hetzner/v1/userdata":
			answerText(w, userData)
		case path == "/hetzner/v1/metadata":
			answerYAML(w, entries)
		case below && known:
			if text, ok := value.(string); ok {
				answerText(w, text)
				return
			}
			answerYAML(w, value)
		default:
			http.NotFound(w, r)
		}
	})
}

func answerText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}

func answerYAML(w http.ResponseWriter, v any) {
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/yaml; charset=utf-8")
	_, _ = w.Write(append(out, '\n'))
}

func (a *API) metadataEntries(tx *engine.Tx, s *Server) map[string]any {
	keys := []string{}
	for _, id := range s.SSHKeys {
		if k := sshKeys.Get(tx, s.Project, id); k != nil {
			keys = append(keys, k.PublicKey)
		}
	}
	subnets, privates := []any{}, []any{}
	entries := map[string]any{"instance-id": s.ID, "hostname": s.Name, "local-ipv4": "", "public-keys": keys, "vendor_data": a.vendorData(),
		"region": a.cat.location(idOrName(s.Location)).NetworkZone, "availability-zone": s.Location + "-dc1"}
	if p := primaryIPOf(tx, s.Project, s.ID, "ipv4"); p != nil {
		entries["public-ipv4"] = p.IP
		subnets = append(subnets, map[string]any{"type": "dhcp", "ipv4": true, "dns_nameservers": []string{publicGateway().String()}})
	}
	if p := primaryIPOf(tx, s.Project, s.ID, "ipv6"); p != nil {
		subnets = append(subnets, map[string]any{"type": "static", "ipv6": true, "address": firstAddress(p.IP), "gateway": "fe80::1"})
	}
	for i, n := range s.PrivateNets {
		whole := netip.Prefix{}
		if network := networks.Get(tx, s.Project, n.Network); network != nil {
			whole = netip.MustParsePrefix(network.IPRange)
		}
		privates = append(privates, map[string]any{"ip": n.IP, "alias_ips": list(n.AliasIPs), "interface_num": i + 1, "mac_address": n.MAC,
			"network_id": n.Network, "network": whole.String(), "gateway": whole.Masked().Addr().Next().String()})
	}
	if len(s.PrivateNets) > 0 {
		entries["local-ipv4"] = s.PrivateNets[0].IP
	}
	entries["private-networks"] = privates
	entries["network-config"] = map[string]any{"version": 1, "config": []any{
		map[string]any{"type": "physical", "name": "eth0", "mac_address": publicMAC(s.ID), "subnets": subnets}}}
	return entries
}

// SetVendorData is what all servers are told besides their user data, as
// cloud-config; the vendor tells its own settings there.
func (a *API) SetVendorData(text string) { a.vendorText.Store(&text) }

func (a *API) vendorData() string {
	if text := a.vendorText.Load(); text != nil {
		return *text
	}
	return ""
}

// firstAddress is the server's own address in its network of IPv6: the vendor gives
// it ::1.
func firstAddress(network string) string {
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return network
	}
	return netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits()).String()
}
