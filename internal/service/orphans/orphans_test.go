package orphans

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// world is several clouds.
type world map[string]*servicetest.Cloud

func newWorld() world {
	w := world{}
	for _, name := range []string{"hetzner", "google"} {
		w[name] = servicetest.NewCloud()
		w[name].Name = name
	}
	return w
}

func (w world) Driver(name string) (cloud.Driver, error) {
	if c, ok := w[name]; ok {
		return c.Driver(name)
	}
	return nil, &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: name, Message: "no block " + name}
}

func at(t *testing.T, text string) cloud.Location {
	t.Helper()
	location, err := cloud.ParseLocation(text)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// tenant is what one tenant has in a location, by kind.
type tenant map[cloud.Kind]cloud.ID

// put makes a tenant's objects, as an apply that nobody remembers did.
func (w world) put(t *testing.T, deployment, name, where string) tenant {
	t.Helper()
	location := at(t, where)
	c := w[location.Cloud]
	meta := cloud.Meta{Name: name, Location: location, Deployment: deployment, Tenant: name, Tier: cloud.TierPaid}
	made := tenant{
		cloud.KindNetwork:  c.NetworkStore.Put(cloud.NetworkSpec{Meta: meta}),
		cloud.KindFirewall: c.FirewallStore.Put(cloud.FirewallSpec{Meta: meta}),
		cloud.KindVolume:   c.VolumeStore.Put(cloud.VolumeSpec{Meta: meta, SizeGB: 10}),
	}
	made[cloud.KindVM] = c.VMStore.Put(cloud.VMSpec{Meta: meta, Network: made[cloud.KindNetwork].Native,
		Firewalls: []string{made[cloud.KindFirewall].Native}, Volumes: []string{made[cloud.KindVolume].Native}})
	return made
}

func (w world) key(t *testing.T, deployment, where string) cloud.ID {
	t.Helper()
	location := at(t, where)
	return w[location.Cloud].SSHKeyStore.Put(cloud.SSHKeySpec{Meta: cloud.Meta{Name: "ada", Location: location, Deployment: deployment}})
}

func (w world) find(t *testing.T, request Request, lost ...string) Answer {
	t.Helper()
	known, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	if request.Lost, err = cloud.ParseLost(lost); err != nil {
		t.Fatal(err)
	}
	request.Deployment = "test"
	answer, err := Find(t.Context(), w, known, request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func names(orphans []Orphan) string {
	var texts []string
	for _, o := range orphans {
		texts = append(texts, string(o.Kind)+" "+o.ID.String())
	}
	return strings.Join(texts, ", ")
}

func (t tenant) own(owned *Owned) {
	for kind, id := range t {
		owned.Add(kind, id)
	}
}

func TestFind(t *testing.T) {
	w := newWorld()
	left := w.put(t, "test", "acme", "hetzner/fsn1")
	living := w.put(t, "test", "acme", "hetzner/hel1")
	w.put(t, "somebody-else", "acme", "hetzner/fsn1")
	w.put(t, "", "unlabelled", "hetzner/fsn1")
	abroad := w.put(t, "test", "acme", "google/europe-west3-a")
	key := w.key(t, "test", "hetzner/fsn1")

	var owned Owned
	living.own(&owned)
	abroad.own(&owned)
	// The key moved with the region: the vendor keeps one for all locations.
	owned.Add(cloud.KindSSHKey, cloud.ID{Location: at(t, "hetzner/hel1"), Native: key.Native})

	answer := w.find(t, Request{Owned: owned})
	want := "vm " + left[cloud.KindVM].String() + ", volume " + left[cloud.KindVolume].String() +
		", firewall " + left[cloud.KindFirewall].String() + ", network " + left[cloud.KindNetwork].String()
	if got := names(answer.Orphans); got != want {
		t.Errorf("orphans: %s\nwant %s", got, want)
	}
	if o := answer.Orphans[0]; o.Name != "acme" || o.Tenant != "acme" || o.Tier != cloud.TierPaid || o.String() != `vm "acme" (`+left[cloud.KindVM].String()+")" {
		t.Errorf("the first orphan: %+v", o)
	}
	if len(answer.LeftOut) != 0 || len(answer.NoAccess) != 0 {
		t.Errorf("left out %v, no access %v", answer.LeftOut, answer.NoAccess)
	}
	for name, c := range w {
		if c.Calls() != 7 {
			t.Errorf("%s was asked %d times, want one list a kind", name, c.Calls())
		}
	}

	// While the location is lost, what stands there is left out, and named.
	answer = w.find(t, Request{Owned: owned}, "hetzner/fsn1")
	if len(answer.Orphans) != 0 || !slices.Equal(answer.LeftOut, []string{"hetzner/fsn1"}) {
		t.Errorf("with a lost location: %s, left out %v", names(answer.Orphans), answer.LeftOut)
	}
	// What the run learned is owned too.
	answer = w.find(t, Request{Owned: owned, Known: func(_ cloud.Kind, id cloud.ID) bool { return id == left[cloud.KindVolume] }})
	if got := names(answer.Orphans); strings.Contains(got, "volume") || len(answer.Orphans) != 3 {
		t.Errorf("with a volume that this run read: %s", got)
	}
	// Without an owner the key is an orphan like all else.
	if answer = w.find(t, Request{}); len(answer.Orphans) != 13 {
		t.Errorf("with no owner: %s", names(answer.Orphans))
	}
	// Only one cloud.
	if answer = w.find(t, Request{Clouds: []string{"google"}}); len(answer.Orphans) != 4 {
		t.Errorf("in one cloud: %s", names(answer.Orphans))
	}
}

// A lost cloud is not asked for anything, nor is one without access.
func TestFindUnreachable(t *testing.T) {
	w := newWorld()
	w.put(t, "test", "acme", "hetzner/fsn1")
	w["hetzner"].Fault = func(string, cloud.Kind, string) error { return errors.New("dead") }
	answer := w.find(t, Request{}, "hetzner/*")
	if len(answer.Orphans) != 0 || !slices.Equal(answer.LeftOut, []string{"hetzner/*"}) || w["hetzner"].Calls() != 0 {
		t.Errorf("a lost cloud: %s, left out %v, %d calls", names(answer.Orphans), answer.LeftOut, w["hetzner"].Calls())
	}
	every := []string{"hetzner/ash", "hetzner/fsn1", "hetzner/hel1", "hetzner/hil", "hetzner/nbg1", "hetzner/sin"}
	if answer = w.find(t, Request{}, every...); !slices.Equal(answer.LeftOut, []string{"hetzner/*"}) || w["hetzner"].Calls() != 0 {
		t.Errorf("all locations of a cloud: left out %v, %d calls", answer.LeftOut, w["hetzner"].Calls())
	}
	delete(w, "google")
	if answer = w.find(t, Request{}, "hetzner/*"); !slices.Equal(answer.NoAccess, []string{"google"}) {
		t.Errorf("no access: %v", answer.NoAccess)
	}
	if len(answer.Refusals) != 1 || !strings.Contains(answer.Refusals[0].Error(), "no block google") {
		t.Errorf("why there is none: %v", answer.Refusals)
	}
	barred := newWorld()
	barred["google"].Fault = func(string, cloud.Kind, string) error {
		return &cloud.Error{Code: cloud.CodeUnauthorized, Message: "wrong token"}
	}
	if answer = barred.find(t, Request{}); !slices.Equal(answer.NoAccess, []string{"google"}) || !strings.Contains(answer.Refusals[0].Error(), "wrong token") {
		t.Errorf("a wrong token: %v, %v", answer.NoAccess, answer.Refusals)
	}
	known, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for cloudName, want := range map[string]string{"google": "no block google", "hetzner": "dead", "hetzer": "did you mean hetzner"} {
		if _, err := Find(t.Context(), w, known, Request{Deployment: "test", Clouds: []string{cloudName}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", cloudName, err, want)
		}
	}
	if _, err := Find(t.Context(), w, known, Request{}); err == nil {
		t.Error("without a deployment everything would be an orphan")
	}
}

// An object whose location is only a label that somebody changed is owned; one
// of the same name in another location is not.
func TestOwnedElsewhere(t *testing.T) {
	fsn1, hel1 := at(t, "hetzner/fsn1"), at(t, "hetzner/hel1")
	var owned Owned
	owned.Add(cloud.KindNetwork, cloud.ID{Location: fsn1, Native: "acme"})
	object := cloud.ID{Location: hel1, Native: "acme"}
	for _, tc := range []struct {
		name   string
		kind   cloud.Kind
		id     cloud.ID
		global bool
		seen   []cloud.Location
		want   bool
	}{
		{"itself", cloud.KindNetwork, cloud.ID{Location: fsn1, Native: "acme"}, false, []cloud.Location{fsn1}, true},
		{"labelled anew", cloud.KindNetwork, object, false, []cloud.Location{hel1}, true},
		{"the same name elsewhere", cloud.KindNetwork, object, false, []cloud.Location{fsn1, hel1}, false},
		{"the same name elsewhere, of a kind that is kept once", cloud.KindNetwork, object, true, []cloud.Location{fsn1, hel1}, true},
		{"another kind", cloud.KindFirewall, cloud.ID{Location: fsn1, Native: "acme"}, false, nil, false},
		{"another name", cloud.KindNetwork, cloud.ID{Location: fsn1, Native: "bolt"}, false, nil, false},
		{"another cloud", cloud.KindNetwork, cloud.ID{Location: at(t, "google/europe-west3-a"), Native: "acme"}, false, nil, false},
	} {
		stands := func(location cloud.Location) bool { return slices.Contains(tc.seen, location) }
		if got := owned.has(tc.kind, tc.id, tc.global, stands); got != tc.want {
			t.Errorf("%s: owned = %v", tc.name, got)
		}
	}
	var anything Owned
	anything.Add("", cloud.ID{Location: fsn1, Native: "acme"})
	if !anything.has(cloud.KindFirewall, cloud.ID{Location: fsn1, Native: "acme"}, false, func(cloud.Location) bool { return true }) {
		t.Error("an owner that did not say of what kind")
	}
}

func TestRemove(t *testing.T) {
	w := newWorld()
	var order []string
	var mu sync.Mutex
	w["hetzner"].Watch = func(_ context.Context, call string, kind cloud.Kind) {
		if call == "delete" || call == "update" {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, call+" "+string(kind))
		}
	}
	w.put(t, "test", "acme", "hetzner/fsn1")
	other := w.put(t, "somebody-else", "bolt", "hetzner/fsn1")
	w.key(t, "test", "hetzner/fsn1")
	outcomes := Remove(t.Context(), w, w.find(t, Request{}).Orphans, RemoveOptions{})
	for _, o := range outcomes {
		if o.Kept != "" {
			t.Errorf("%s was kept: %s", o.Orphan, o.Kept)
		}
	}
	if got, want := strings.Join(order, ", "), "delete vm, delete volume, delete firewall, delete network, delete ssh_key"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if n := len(w["hetzner"].VMStore.All()); n != 1 || len(w["hetzner"].VolumeStore.All()) != 1 || len(w["hetzner"].NetworkStore.All()) != 1 {
		t.Errorf("%d VMs are left, want the other deployment's %v", n, other)
	}
}

// What is protected stays unless it is said; then its protection goes first.
func TestRemoveProtected(t *testing.T) {
	w := newWorld()
	left := w.put(t, "test", "acme", "hetzner/fsn1")
	w["hetzner"].VolumeStore.Change(left[cloud.KindVolume].Native, func(v *cloud.Volume) { v.Protected = true })
	var heard []string
	hear := func(o Outcome) { heard = append(heard, o.String()) }
	outcomes := Remove(t.Context(), w, w.find(t, Request{}).Orphans, RemoveOptions{Done: hear})
	var kept []string
	for _, o := range outcomes {
		if o.Kept != "" {
			kept = append(kept, o.String()+": "+o.Kept)
		}
	}
	if got, want := strings.Join(kept, "; "), `volume "acme" (`+left[cloud.KindVolume].String()+"): it is protected"; got != want || len(heard) != 4 {
		t.Errorf("kept %q, want %q; heard %v", got, want, heard)
	}
	if Failed(outcomes) != nil {
		t.Errorf("keeping is no failure: %v", Failed(outcomes))
	}
	outcomes = Remove(t.Context(), w, w.find(t, Request{}).Orphans, RemoveOptions{Protected: true})
	if len(outcomes) != 1 || outcomes[0].Kept != "" || len(w["hetzner"].VolumeStore.All()) != 0 {
		t.Errorf("with its protection taken off: %+v", outcomes)
	}
}

// What a VM that stays still uses is kept: a vendor would detach the volume,
// and delete the network, without asking.
func TestRemoveInUse(t *testing.T) {
	for _, owner := range []string{"test", "somebody-else", ""} {
		w := newWorld()
		left := w.put(t, "test", "acme", "hetzner/fsn1")
		w["hetzner"].VMStore.Remove(left[cloud.KindVM].Native)
		user := w["hetzner"].VMStore.Put(cloud.VMSpec{Meta: cloud.Meta{Name: "user", Location: at(t, "hetzner/fsn1"), Deployment: owner},
			Network: left[cloud.KindNetwork].Native, Firewalls: []string{left[cloud.KindFirewall].Native}, Volumes: []string{left[cloud.KindVolume].Native}})
		var owned Owned
		owned.Add(cloud.KindVM, user)
		outcomes := Remove(t.Context(), w, w.find(t, Request{Owned: owned}).Orphans, RemoveOptions{})
		if len(outcomes) != 3 {
			t.Fatalf("%d outcomes: %+v", len(outcomes), outcomes)
		}
		for _, o := range outcomes {
			if o.Kept != "it is in use by the VM user ("+user.String()+")" {
				t.Errorf("owner %q: %s: kept %q", owner, o.Orphan, o.Kept)
			}
		}
		if c := w["hetzner"]; c.Count("delete", cloud.KindVolume)+c.Count("delete", cloud.KindNetwork)+c.Count("delete", cloud.KindFirewall) != 0 {
			t.Errorf("owner %q: something was deleted", owner)
		}
	}
}

// One failure stops nothing but what depends on it.
func TestRemoveFails(t *testing.T) {
	w := newWorld()
	stuck := w.put(t, "test", "acme", "hetzner/fsn1")
	w.put(t, "test", "bolt", "hetzner/fsn1")
	w["hetzner"].Fault = func(call string, kind cloud.Kind, native string) error {
		if call == "delete" && kind == cloud.KindVM && native == stuck[cloud.KindVM].Native {
			return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: "hetzner", Message: "no answer"}
		}
		return nil
	}
	outcomes := Remove(t.Context(), w, w.find(t, Request{}).Orphans, RemoveOptions{})
	deleted := 0
	for _, o := range outcomes {
		switch {
		case o.Kept == "":
			deleted++
		case o.Kind == cloud.KindVM && !strings.Contains(o.Kept, "no answer"),
			o.Kind != cloud.KindVM && !strings.Contains(o.Kept, "in use by the VM acme"):
			t.Errorf("%s: %s", o.Orphan, o.Kept)
		}
	}
	if err := Failed(outcomes); deleted != 4 || err == nil || !strings.Contains(err.Error(), stuck[cloud.KindVM].String()) {
		t.Errorf("%d deleted, error %v", deleted, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, o := range Remove(ctx, w, w.find(t, Request{}).Orphans, RemoveOptions{}) {
		if o.Kept != "interrupted" || !errors.Is(o.Err, context.Canceled) {
			t.Errorf("after an interrupt: %s: %q, %v", o.Orphan, o.Kept, o.Err)
		}
	}
}

func TestDataSource(t *testing.T) {
	w := newWorld()
	left := w.put(t, "test", "acme", "hetzner/fsn1")
	living := w.put(t, "test", "acme", "hetzner/hel1")
	delete(w, "google")
	var ids []any
	for _, id := range living {
		ids = append(ids, id.String())
	}
	env := servicetest.NewEnv(t, w, "hetzner/ash")
	env.Learn(cloud.KindNetwork, left[cloud.KindNetwork], cloud.Meta{Name: "acme"})
	got, diags := servicetest.ReadDataSource(t, env, NewDataSource, servicetest.Config{"known_ids": ids})
	if problems := append(diags.Errors(), diags.Warnings()...); len(problems) > 0 {
		t.Fatal(problems)
	}
	found := got.Get(t, "orphans").([]any)
	if len(found) != 3 {
		t.Fatalf("orphans: %v", found)
	}
	first := found[0].(map[string]any)
	if first["id"] != left[cloud.KindVM].String() || first["kind"] != "vm" || first["location"] != "hetzner/fsn1" || first["name"] != "acme" ||
		first["tenant"] != "acme" || first["native_id"] != left[cloud.KindVM].Native || first["created"] != nil || first["protected"] != false {
		t.Errorf("the first: %v", first)
	}
	if out, none := got.Get(t, "left_out").([]any), got.Get(t, "no_access").([]any); !slices.Equal(out, []any{"hetzner/ash"}) || !slices.Equal(none, []any{"google"}) {
		t.Errorf("left out %v, no access %v", out, none)
	}
	for name, tc := range map[string]struct {
		config           servicetest.Config
		lost             []string
		problem, warning string
	}{
		"a bad id":        {servicetest.Config{"known_ids": []any{"4711"}}, nil, `known_ids: Not an id: "4711"`, ""},
		"a typo":          {servicetest.Config{"known_ids": []any{}, "clouds": []any{"hetzer"}}, nil, "clouds: Unknown cloud", ""},
		"no access":       {servicetest.Config{"known_ids": []any{}, "clouds": []any{"google"}}, nil, "no block google", ""},
		"all of it lost":  {servicetest.Config{"known_ids": []any{}, "clouds": []any{"hetzner"}}, []string{"hetzner/*"}, "", "clouds: A lost cloud is not asked"},
		"part of it lost": {servicetest.Config{"known_ids": []any{}, "clouds": []any{"hetzner"}}, []string{"hetzner/fsn1"}, "", ""},
	} {
		_, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, w, tc.lost...), NewDataSource, tc.config)
		if problems := strings.Join(diags.Errors(), "; "); !strings.Contains(problems, tc.problem) || (tc.problem == "") != (problems == "") {
			t.Errorf("%s: problems %q", name, problems)
		}
		if warnings := strings.Join(diags.Warnings(), "; "); !strings.Contains(warnings, tc.warning) || (tc.warning == "") != (warnings == "") {
			t.Errorf("%s: warnings %q", name, warnings)
		}
	}
}
