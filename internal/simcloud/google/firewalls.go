package google

import (
	"net/http"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Firewall is a stored VPC firewall rule. The lists keep the form in which they
// were given.
type Firewall struct {
	Resource
	Network     int64           `json:"network"`
	Priority    int             `json:"priority"`
	Direction   string          `json:"direction"`
	Disabled    bool            `json:"disabled,omitempty"`
	Allowed     []FirewallPorts `json:"allowed,omitempty"`
	Denied      []FirewallPorts `json:"denied,omitempty"`
	Sources     []string        `json:"sources,omitempty"`
	Targets     []string        `json:"destinations,omitempty"`
	SourceTags  []string        `json:"source_tags,omitempty"`
	TargetTags  []string        `json:"target_tags,omitempty"`
	SourceAccts []string        `json:"source_accounts,omitempty"`
	TargetAccts []string        `json:"target_accounts,omitempty"`
	Log         *firewallLog    `json:"log,omitempty"`
}

// FirewallPorts is what a rule allows or denies.
type FirewallPorts struct {
	Protocol string   `json:"IPProtocol"`
	Ports    []string `json:"ports,omitempty"`
}

type firewallLog struct {
	Enable   bool   `json:"enable"`
	Metadata string `json:"metadata,omitempty"`
}

// Collection is "firewalls".
func (f *Firewall) Collection() string { return "firewalls" }

// Links are the network, and the name.
func (f *Firewall) Links() []engine.Ref {
	return []engine.Ref{nameLink(f), {Type: networks.kind.KindName(), ID: f.Network}}
}

var firewalls = noun[Firewall]{kind: engine.NewKind[Firewall]("google_firewall"), name: "firewall", collection: "firewalls",
	variable: "firewall", levels: []string{global}}

type firewallView struct {
	Kind                  string          `json:"kind"`
	ID                    uint64          `json:"id,string"`
	CreationTimestamp     string          `json:"creationTimestamp"`
	Name                  string          `json:"name"`
	Description           string          `json:"description"`
	Network               string          `json:"network"`
	Priority              int             `json:"priority"`
	SourceRanges          []string        `json:"sourceRanges,omitempty"`
	DestinationRanges     []string        `json:"destinationRanges,omitempty"`
	SourceTags            []string        `json:"sourceTags,omitempty"`
	TargetTags            []string        `json:"targetTags,omitempty"`
	SourceServiceAccounts []string        `json:"sourceServiceAccounts,omitempty"`
	TargetServiceAccounts []string        `json:"targetServiceAccounts,omitempty"`
	Allowed               []FirewallPorts `json:"allowed,omitempty"`
	Denied                []FirewallPorts `json:"denied,omitempty"`
	Direction             string          `json:"direction"`
	LogConfig             firewallLog     `json:"logConfig"`
	Disabled              bool            `json:"disabled"`
	SelfLink              string          `json:"selfLink"`
}

func viewFirewall(c *call, f *Firewall) any {
	v := firewallView{Kind: "compute#firewall", ID: f.number(), CreationTimestamp: stamp(f.Created), Name: f.Name,
		Description: f.Description, Network: linkByID(c, networks, f.Network), Priority: f.Priority, SourceRanges: f.Sources,
		DestinationRanges: f.Targets, SourceTags: f.SourceTags, TargetTags: f.TargetTags, SourceServiceAccounts: f.SourceAccts,
		TargetServiceAccounts: f.TargetAccts, Allowed: f.Allowed, Denied: f.Denied, Direction: f.Direction, Disabled: f.Disabled,
		SelfLink: linkTo(f)}
	if f.Log != nil {
		v.LogConfig = *f.Log
	}
	return v
}

func firewallModule() module {
	at := "projects/{project}/global/firewalls"
	return module{
		kinds: []engine.AnyKind{firewalls.kind},
		routes: routes(firewalls.reads(viewFirewall), []*route{
			{method: http.MethodPost, path: at, do: insertFirewall},
			{method: http.MethodPatch, path: at + "/{firewall}", do: func(c *call) (any, error) { return changeFirewall(c, "patch") }},
			{method: http.MethodPut, path: at + "/{firewall}", do: func(c *call) (any, error) { return changeFirewall(c, "update") }},
			{method: http.MethodDelete, path: at + "/{firewall}", do: func(c *call) (any, error) {
				f, err := firewalls.free(c)
				if err != nil {
					return nil, err
				}
				return firewalls.start(c, "delete", f, nil)
			}},
		}),
		completions: map[string]engine.Completion{
			"firewalls.insert": inserted(firewalls, nil),
			"firewalls.patch":  changed(firewalls, replaceFirewall),
			"firewalls.update": changed(firewalls, replaceFirewall),
			"firewalls.delete": deleted(firewalls),
		},
		// Assumed: see module.
		durations: map[string]time.Duration{"firewalls.insert": 8 * time.Second, "firewalls.patch": 8 * time.Second,
			"firewalls.update": 8 * time.Second, "firewalls.delete": 8 * time.Second},
		usage: map[string]func(*engine.Tx, string, string) float64{"FIREWALLS": counted(firewalls)},
	}
}

// replaceFirewall puts a changed rule in the place of the stored one.
func replaceFirewall(_ *engine.Tx, f *Firewall, to Firewall) *engine.ActionError {
	*f = to
	return nil
}

func insertFirewall(c *call) (any, error) {
	in := firewallBody{}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	f := &Firewall{Priority: 1000, Direction: "INGRESS"}
	f.Name = in.Name
	network := base + "projects/" + c.project + "/global/networks/default" // when none is given
	if in.Network != nil && *in.Network != "" {
		network = *in.Network
	}
	n, err := resolve(c, networks, "resource.network", network)
	if err != nil {
		return nil, err
	}
	f.Network = n.ID
	in.apply(f)
	if err := f.check(); err != nil {
		return nil, err
	}
	if err := c.room("FIREWALLS", "", 1); err != nil {
		return nil, err
	}
	return firewalls.insert(c, f, nil)
}

// changeFirewall patches a rule, or replaces all of it but its name, its network
// and its direction, which never change.
func changeFirewall(c *call, verb string) (any, error) {
	f, err := firewalls.free(c)
	if err != nil {
		return nil, err
	}
	in := firewallBody{}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	to := *f
	if verb == "update" {
		to = Firewall{Resource: f.Resource, Network: f.Network, Direction: f.Direction, Priority: 1000}
		to.Description = ""
	}
	if in.Network != nil && *in.Network != "" {
		if n, err := resolve(c, networks, "resource.network", *in.Network); err != nil {
			return nil, err
		} else if n.ID != f.Network {
			return nil, badRequest("The network of a firewall cannot be changed.")
		}
	}
	if in.Direction != nil && *in.Direction != f.Direction {
		return nil, badRequest("The direction of a firewall cannot be changed.")
	}
	if in.Name != "" && in.Name != f.Name {
		return nil, badRequest("The name of a firewall cannot be changed.")
	}
	in.apply(&to)
	in.clear(c, &to)
	if err := to.check(); err != nil {
		return nil, err
	}
	return firewalls.start(c, verb, f, to)
}
