package hetzner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// one makes the result of a step from an SDK call that answers one action.
func one(action *hcloud.Action, resp *hcloud.Response, err error) ([]*hcloud.Action, error) {
	if err != nil {
		return nil, answered(resp, err)
	}
	return []*hcloud.Action{action}, nil
}

// many is one for calls that answer several actions.
func many(actions []*hcloud.Action, resp *hcloud.Response, err error) ([]*hcloud.Action, error) {
	return actions, answered(resp, err)
}

// relabel renames an object and sets its labels: one request for both.
type relabel struct {
	Kind   cloud.Kind
	Name   string
	Labels map[string]string
}

func (s relabel) String() string {
	return fmt.Sprintf("set the name %s and labels of %s", s.Name, s.Kind.Noun())
}

func (s relabel) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	var (
		resp *hcloud.Response
		err  error
	)
	switch s.Kind {
	case cloud.KindSSHKey:
		_, resp, err = d.client.SSHKey.Update(ctx, &hcloud.SSHKey{ID: id}, hcloud.SSHKeyUpdateOpts{Name: s.Name, Labels: s.Labels})
	case cloud.KindNetwork:
		_, resp, err = d.client.Network.Update(ctx, &hcloud.Network{ID: id}, hcloud.NetworkUpdateOpts{Name: s.Name, Labels: s.Labels})
	case cloud.KindFirewall:
		_, resp, err = d.client.Firewall.Update(ctx, &hcloud.Firewall{ID: id}, hcloud.FirewallUpdateOpts{Name: s.Name, Labels: s.Labels})
	case cloud.KindVolume:
		_, resp, err = d.client.Volume.Update(ctx, &hcloud.Volume{ID: id}, hcloud.VolumeUpdateOpts{Name: s.Name, Labels: s.Labels})
	case cloud.KindVM:
		_, resp, err = d.client.Server.Update(ctx, &hcloud.Server{ID: id}, hcloud.ServerUpdateOpts{Name: s.Name, Labels: s.Labels})
	default:
		return nil, unsupported(s.Kind, native(id), "labels", "this sort of object has no labels")
	}
	return nil, answered(resp, err)
}

// relabelIfNeeded gives the step that every noun's plan begins with.
func relabelIfNeeded(kind cloud.Kind, currentName string, current, want cloud.Meta) []step {
	if sameLabels(kind, currentName, current, want) {
		return nil
	}
	return []step{relabel{Kind: kind, Name: nativeName(kind, want), Labels: labelsOf(kind, want)}}
}

// protect switches the vendor's deletion protection.
type protect struct {
	Kind cloud.Kind
	On   bool
}

func (s protect) String() string {
	if s.On {
		return "protect " + s.Kind.Noun() + " from deletion"
	}
	return "take the deletion protection off " + s.Kind.Noun()
}

func (s protect) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	switch s.Kind {
	case cloud.KindNetwork:
		return one(d.client.Network.ChangeProtection(ctx, &hcloud.Network{ID: id}, hcloud.NetworkChangeProtectionOpts{Delete: &s.On}))
	case cloud.KindVolume:
		return one(d.client.Volume.ChangeProtection(ctx, &hcloud.Volume{ID: id}, hcloud.VolumeChangeProtectionOpts{Delete: &s.On}))
	case cloud.KindVM:
		// The API wants both switches to have the same value.
		return one(d.client.Server.ChangeProtection(ctx, &hcloud.Server{ID: id}, hcloud.ServerChangeProtectionOpts{Delete: &s.On, Rebuild: &s.On}))
	case cloud.KindImage:
		return one(d.client.Image.ChangeProtection(ctx, &hcloud.Image{ID: id}, hcloud.ImageChangeProtectionOpts{Delete: &s.On}))
	default:
		return nil, unsupported(s.Kind, native(id), "deletion_protection", "Hetzner Cloud does not protect this sort of object")
	}
}

func protectIfNeeded(kind cloud.Kind, current, want cloud.Meta) []step {
	if current.Protected == want.Protected {
		return nil
	}
	return []step{protect{Kind: kind, On: want.Protected}}
}

// missing gives the elements of want that are not in have, in want's order
// and each once.
func missing[E comparable](have, want []E) []E {
	var absent []E
	for _, e := range want {
		if !slices.Contains(have, e) && !slices.Contains(absent, e) {
			absent = append(absent, e)
		}
	}
	return absent
}

// mergedMeta is an object's Meta after its plan: what was wanted.
func mergedMeta(kind cloud.Kind, object cloud.Object, want cloud.Meta) (cloud.Object, cloud.Meta) {
	object.ID.Location = want.Location
	object.NativeName = nativeName(kind, want)
	want.Labels = maps.Clone(want.Labels)
	return object, want
}

// quoted joins texts for a message.
func quoted(texts []string) string { return strings.Join(texts, ", ") }
