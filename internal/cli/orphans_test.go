package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	holdfast "github.com/holdfast-cloud/terraform-provider-holdfast/internal/provider"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/orphans"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// estate is an embedded cloud, and a deployment's objects in it.
type estate struct {
	sim *simcloud.Sim
	env map[string]string
	mu  sync.Mutex
	// made maps "deployment location kind" to the object.
	made map[string]cloud.ID
}

// newEstate makes, in fsn1 and in hel1, a machine with all that it needs, and
// a machine of another deployment.
func newEstate(t *testing.T) *estate {
	t.Helper()
	sim, err := simcloud.New(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	served, err := sim.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := served.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	e := &estate{sim: sim, made: map[string]cloud.ID{}, env: map[string]string{
		"HCLOUD_TOKEN": "cli-token", "HCLOUD_ENDPOINT": served.URL + "/v1", "HOLDFAST_DEPLOYMENT": "acme-eu"}}
	// At the same time, since waiting for actions takes seconds.
	var group sync.WaitGroup
	for where, deployment := range map[string]string{"fsn1": "acme-eu", "hel1": "acme-eu", "nbg1": "somebody-else"} {
		group.Go(func() {
			if err := e.tenant(t.Context(), deployment, where); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	sim.ResetRequests()
	return e
}

func (e *estate) provider() func() provider.Provider {
	return holdfast.New("test", holdfast.WithGetenv(func(name string) string { return e.env[name] }))
}

// tenant makes what one tenant has.
func (e *estate) tenant(ctx context.Context, deployment, where string) error {
	env, err := environment(ctx, e.provider(), deployment, nil)
	if err != nil {
		return err
	}
	driver, err := env.Clouds.Driver("hetzner")
	if err != nil {
		return err
	}
	meta := func(name string) cloud.Meta {
		return cloud.Meta{Name: name, Location: cloud.Location{Cloud: "hetzner", Name: where}, Deployment: deployment, Tenant: "acme", Tier: cloud.TierPaid}
	}
	keep := func(kind cloud.Kind, id cloud.ID) string {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.made[deployment+" "+where+" "+string(kind)] = id
		return id.Native
	}
	key, err := driver.SSHKeys().Create(ctx, cloud.SSHKeySpec{Meta: meta("ada-" + deployment), PublicKey: map[string]string{
		"acme-eu":       "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com",
		"somebody-else": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUwVBeA27KzdI2sOt/FdE4hHjfE38JPy64b3tRM7fWB grace@example.com",
	}[deployment]}, func(cloud.SSHKey) {})
	if err != nil {
		return err
	}
	cidr := netip.MustParsePrefix("10.0.0.0/24")
	network, err := driver.Networks().Create(ctx, cloud.NetworkSpec{Meta: meta("acme"), CIDR: cidr, Subnets: []netip.Prefix{cidr}}, func(cloud.Network) {})
	if err != nil {
		return err
	}
	firewall, err := driver.Firewalls().Create(ctx, cloud.FirewallSpec{Meta: meta("acme")}, func(cloud.Firewall) {})
	if err != nil {
		return err
	}
	volume, err := driver.Volumes().Create(ctx, cloud.VolumeSpec{Meta: meta("acme-data"), SizeGB: 10}, func(cloud.Volume) {})
	if err != nil {
		return err
	}
	vm, err := driver.VMs().Create(ctx, cloud.VMSpec{Meta: meta("acme"), ServerType: "cx23", Image: "debian-12", Power: cloud.PowerRunning, PublicIPv4: true,
		SSHKeys: []string{keep(cloud.KindSSHKey, key.ID)}, Network: keep(cloud.KindNetwork, network.ID),
		Firewalls: []string{keep(cloud.KindFirewall, firewall.ID)}, Volumes: []string{keep(cloud.KindVolume, volume.ID)}}, func(cloud.VM) {})
	keep(cloud.KindVM, vm.ID)
	return err
}

// protect turns the protection of the volume in fsn1 on.
func (e *estate) protect(t *testing.T) {
	t.Helper()
	env, err := environment(t.Context(), e.provider(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	driver, err := env.Clouds.Driver("hetzner")
	if err != nil {
		t.Fatal(err)
	}
	volume, err := driver.Volumes().Get(t.Context(), e.made["acme-eu fsn1 volume"].Native)
	if err != nil {
		t.Fatal(err)
	}
	want := volume.VolumeSpec
	want.Protected = true
	if _, err := driver.Volumes().Update(t.Context(), volume, want); err != nil {
		t.Fatal(err)
	}
}

// state writes a state that owns what the deployment has in a location.
func (e *estate) state(t *testing.T, where string) string {
	t.Helper()
	var resources []string
	for _, kind := range []string{"ssh_key", "network", "firewall", "volume", "vm"} {
		resources = append(resources, fmt.Sprintf(`{"module": "module.paid[\"acme\"]", "mode": "managed", "type": "holdfast_%s", "name": "this",
			"instances": [{"index_key": "acme", "attributes": {"id": %q, "deployment": "acme-eu", "name": "x", "labels": null}}]}`, kind, e.made["acme-eu "+where+" "+kind]))
	}
	resources = append(resources, `{"mode": "managed", "type": "random_id", "name": "x", "instances": [{"attributes": {"id": 5, "deployment": {}}}]}`,
		`{"mode": "data", "type": "holdfast_vm", "name": "x", "instances": [{"attributes": {"id": "`+e.made["acme-eu fsn1 vm"].String()+`", "deployment": "acme-eu"}}]}`)
	return file(t, `{"version": 4, "serial": 7, "resources": [`+strings.Join(resources, ",")+`]}`)
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// run executes `holdfast orphans` with what a person types.
func (e *estate) run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), Options{Version: "test", Provider: e.provider(), Args: append([]string{"orphans"}, args...),
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

// holds compares the cloud's servers, volumes, networks, firewalls and keys.
func (e *estate) holds(t *testing.T, servers, volumes, networks, firewalls, keys int) {
	t.Helper()
	for kind, want := range map[string]int{"server": servers, "volume": volumes, "network": networks, "firewall": firewalls, "ssh_key": keys} {
		if got := len(e.sim.Objects(kind)); got != want {
			t.Errorf("%d objects of kind %s, want %d", got, kind, want)
		}
	}
}

func TestOrphansList(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	code, stdout, stderr := e.run(t, "", "--state", e.state(t, "hel1"))
	if code != ExitLeft || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, kind := range []string{"network", "firewall", "volume", "vm"} {
		if !strings.Contains(stdout, e.made["acme-eu fsn1 "+kind].String()) {
			t.Errorf("the %s in fsn1 is missing:\n%s", kind, stdout)
		}
	}
	for _, not := range []string{"hetzner/hel1/", "hetzner/nbg1", "ssh_key"} {
		if strings.Contains(stdout, not) {
			t.Errorf("%s is among them:\n%s", not, stdout)
		}
	}
	for _, want := range []string{"KIND", "acme-data", "4 objects of the deployment acme-eu that the state does not own.", "Not asked: google: use the account: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing:\n%s", want, stdout)
		}
	}
	if n := e.sim.Requests().Total; n != 6 {
		t.Errorf("%d requests, want one list a kind", n)
	}

	code, stdout, stderr = e.run(t, read(t, e.state(t, "hel1")), "--state", "-", "--json")
	var got orphansReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != ExitLeft || stderr != "" {
		t.Fatalf("exit code %d, %v, stderr %q", code, err, stderr)
	}
	if len(got.Orphans) != 4 || got.Deployment != "acme-eu" || got.Orphans[0].Kind != "vm" || got.Orphans[0].Tenant != "acme" || got.Orphans[0].Tier != "paid" ||
		got.Orphans[0].Created == "" || got.Orphans[0].NativeName != "acme-fsn1" || got.Orphans[0].Deleted {
		t.Errorf("as JSON: %+v", got)
	}
	// Both states together own everything, and the code says so.
	if code, stdout, _ = e.run(t, "", "--state", e.state(t, "hel1"), "--state", e.state(t, "fsn1")); code != ExitOK || !strings.Contains(stdout, "No object") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	// The location is lost: it is left out, and named.
	code, stdout, _ = e.run(t, "", "--state", e.state(t, "hel1"), "--lost", "hetzner/fsn1")
	if code != ExitOK || !strings.Contains(stdout, "Left out, being lost: hetzner/fsn1.") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	e.env["HOLDFAST_LOST_LOCATIONS"] = "hetzner/*"
	e.sim.ResetRequests()
	if code, stdout, _ = e.run(t, "", "--state", e.state(t, "hel1")); code != ExitOK || !strings.Contains(stdout, "hetzner/*") || e.sim.Requests().Total != 0 {
		t.Errorf("exit code %d, %d requests:\n%s", code, e.sim.Requests().Total, stdout)
	}
	e.holds(t, 3, 3, 3, 3, 2)
}

func TestOrphansDelete(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	e.protect(t)
	state := e.state(t, "hel1")

	code, stdout, stderr := e.run(t, "acme\n", "--state", state, "--delete")
	if code != ExitLeft || !strings.Contains(stderr, "Type the deployment's name (acme-eu)") || !strings.Contains(stderr, "Nothing was deleted.") {
		t.Fatalf("a wrong answer: exit code %d, stderr %q", code, stderr)
	}
	if !strings.Contains(stdout, "Protected: 1. They are kept; --protected deletes them too.") {
		t.Errorf("it was not said what is protected:\n%s", stdout)
	}
	if code, _, stderr = e.run(t, "", "--state", state, "--delete"); code != ExitLeft || !strings.Contains(stderr, "Nothing was deleted.") {
		t.Errorf("no answer: exit code %d, stderr %q", code, stderr)
	}
	e.holds(t, 3, 3, 3, 3, 2)

	code, stdout, _ = e.run(t, "acme-eu\n", "--state", state, "--delete")
	if code != ExitLeft || !strings.Contains(stdout, "3 deleted, 1 kept.") || !strings.Contains(stdout, "kept volume \"acme-data\" ("+e.made["acme-eu fsn1 volume"].String()+"): it is protected") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	e.holds(t, 2, 3, 2, 2, 2)

	code, stdout, stderr = e.run(t, "", "--state", state, "--delete", "--protected", "--yes", "--json")
	var got orphansReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != ExitOK {
		t.Fatalf("exit code %d, %v, stderr %q", code, err, stderr)
	}
	if len(got.Orphans) != 1 || !got.Orphans[0].Deleted || !strings.Contains(stderr, "Their protection is taken off") {
		t.Errorf("as JSON: %+v, stderr %q", got, stderr)
	}
	e.holds(t, 2, 2, 2, 2, 2)
	if code, stdout, _ = e.run(t, "", "--state", state, "--delete"); code != ExitOK || !strings.Contains(stdout, "No object") {
		t.Errorf("with nothing left: exit code %d:\n%s", code, stdout)
	}
}

// A volume that a machine of the state holds stays, and so does what a failed
// deletion leaves.
func TestOrphansKept(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	text := read(t, e.state(t, "hel1"))
	// The state forgot the volume and the network of a machine that it has.
	for _, kind := range []string{"volume", "network"} {
		text = strings.Replace(text, `"holdfast_`+kind+`"`, `"forgotten_`+kind+`"`, 1)
	}
	code, stdout, _ := e.run(t, "", "--state", file(t, text), "--delete", "--yes")
	if code != ExitLeft || !strings.Contains(stdout, "4 deleted, 2 kept.") || strings.Count(stdout, "it is in use by the VM acme-hel1 ("+e.made["acme-eu hel1 vm"].String()+")") != 2 {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	e.holds(t, 2, 2, 2, 2, 2)

	e = newEstate(t)
	if _, err := e.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultError, Status: 422, Code: "invalid_input", Method: "DELETE", Path: "firewalls"}); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := e.run(t, "", "--state", e.state(t, "hel1"), "--delete", "--yes")
	if code != ExitError || !strings.Contains(stdout, "3 deleted, 1 kept.") || !strings.Contains(stderr, `firewall "acme"`) {
		t.Errorf("exit code %d, stderr %q:\n%s", code, stderr, stdout)
	}
}

func TestOrphansRefuses(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	good := e.state(t, "hel1")
	none := file(t, `{"version": 4, "resources": []}`)
	other := file(t, strings.ReplaceAll(read(t, good), `"deployment": "acme-eu"`, `"deployment": "acme-us"`))
	for name, tc := range map[string]struct {
		args   []string
		env    map[string]string
		code   int
		stderr string
	}{
		"no state":              {nil, nil, ExitUsage, "--state is missing"},
		"no such file":          {[]string{"--state", "nowhere.json"}, nil, ExitError, "read the state: open nowhere.json"},
		"an empty file":         {[]string{"--state", file(t, "\n")}, nil, ExitError, "it is empty"},
		"no JSON":               {[]string{"--state", file(t, "resources")}, nil, ExitError, "not what terraform state pull prints"},
		"no state's JSON":       {[]string{"--state", file(t, "{}")}, nil, ExitError, "it has no version"},
		"an old version":        {[]string{"--state", file(t, `{"version": 3}`)}, nil, ExitError, "format version 3"},
		"terraform show":        {[]string{"--state", file(t, `{"format_version": "1.0", "values": {}}`)}, nil, ExitError, "use terraform state pull"},
		"an encrypted state":    {[]string{"--state", file(t, `{"encrypted_data": "x", "meta": {}}`)}, nil, ExitError, "tofu state pull"},
		"a broken id":           {[]string{"--state", file(t, strings.Replace(read(t, good), "hetzner/hel1/", "hel1/", 1))}, nil, ExitError, "is not an object id"},
		"another's state":       {[]string{"--state", other}, nil, ExitError, `belongs to the deployment "acme-us", and orphans of "acme-eu" are looked for`},
		"one of two is":         {[]string{"--state", good, "--state", other}, nil, ExitError, `belongs to the deployment "acme-us"`},
		"no deployment":         {[]string{"--state", good}, map[string]string{"HOLDFAST_DEPLOYMENT": ""}, ExitError, "Deployment missing"},
		"a bad deployment":      {[]string{"--state", good, "--deployment", "ACME"}, nil, ExitError, "is not a name"},
		"a lost typo":           {[]string{"--state", good, "--lost", "hetzner/fns1"}, nil, ExitError, "did you mean fsn1"},
		"a cloud's typo":        {[]string{"--state", good, "--cloud", "hetzer"}, nil, ExitError, "did you mean hetzner"},
		"no access":             {[]string{"--state", good}, map[string]string{"HCLOUD_TOKEN": ""}, ExitError, "there is access to no cloud"},
		"no access to that":     {[]string{"--state", good, "--cloud", "google"}, nil, ExitError, "google"},
		"deletes all":           {[]string{"--state", none, "--delete", "--yes"}, nil, ExitError, "all that it has (9 objects) would go. If that is meant, add --empty-state"},
		"stdin twice":           {[]string{"--state", "-", "--state", "-"}, nil, ExitUsage, "--state - can be given once"},
		"stdin for both":        {[]string{"--state", "-", "--delete"}, nil, ExitUsage, "give the state as a file, or --yes"},
		"yes to what":           {[]string{"--state", good, "--yes"}, nil, ExitUsage, "are for --delete"},
		"protected for nothing": {[]string{"--state", good, "--protected"}, nil, ExitUsage, "are for --delete"},
		"a word too many":       {[]string{"--state", good, "now"}, nil, ExitUsage, "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := &estate{env: map[string]string{}}
			for _, env := range []map[string]string{e.env, tc.env} {
				for key, value := range env {
					changed.env[key] = value
				}
			}
			code, stdout, stderr := changed.run(t, "", tc.args...)
			if code != tc.code || !strings.Contains(stderr, tc.stderr) || stdout != "" {
				t.Errorf("exit code %d, stderr %q, stdout %q; want %d, %q", code, stderr, stdout, tc.code, tc.stderr)
			}
		})
	}
	e.holds(t, 3, 3, 3, 3, 2)
	if code, stdout, _ := e.run(t, "", "--state", none, "--delete", "--yes", "--empty-state"); code != ExitOK || !strings.Contains(stdout, "9 deleted, 0 kept.") {
		t.Errorf("with --empty-state: exit code %d:\n%s", code, stdout)
	}
	e.holds(t, 1, 1, 1, 1, 1)
}

// A person who interrupts the question is not made to answer it.
func TestOrphansInterrupted(t *testing.T) {
	in, silent := io.Pipe()
	t.Cleanup(func() { _ = silent.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if agreed, err := confirm(ctx, in, io.Discard, "acme-eu"); agreed || err == nil {
		t.Errorf("agreed %v, error %v", agreed, err)
	}
}

// Deposed and tainted objects are owned as well, in all modules.
func TestReadStateCountsAll(t *testing.T) {
	var owned orphans.Owned
	n, err := readState([]byte(`{"version": 4, "terraform_version": "1.11.4", "resources": [
		{"mode": "managed", "type": "holdfast_vm", "name": "a", "instances": [
			{"attributes": {"id": "hetzner/fsn1/1", "deployment": "d"}, "status": "tainted"},
			{"deposed": "0badcafe", "attributes": {"id": "hetzner/fsn1/2", "deployment": "d"}}]},
		{"module": "module.a.module.b[0]", "mode": "managed", "type": "holdfast_volume", "name": "b", "instances": [{"attributes": {"id": "google/us-east1-b/data", "deployment": "d"}}]}]}`), "d", &owned)
	if err != nil || n != 3 || owned.Len() != 3 {
		t.Errorf("%d objects, %d owned, %v", n, owned.Len(), err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
