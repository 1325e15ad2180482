package googleblock

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const key = "projects/acme-keys/locations/europe-west3/keyRings/disks/cryptoKeys/customer"

var kinds = map[string]attr.Type{KMSKey: types.StringType, DiskType: types.StringType}

// block makes a block; absent attributes are null.
func block(key, disk attr.Value) types.Object {
	return types.ObjectValueMust(kinds, map[string]attr.Value{KMSKey: key, DiskType: disk})
}

var (
	none      = types.StringNull()
	unknown   = types.StringUnknown()
	absent    = types.ObjectNull(kinds)
	frankfurt = cloud.Location{Cloud: Name, Name: "europe-west3-a"}
)

func said(value string) types.String { return types.StringValue(value) }

func TestCheckKMSKey(t *testing.T) {
	secret := strings.Repeat("k", 32)
	for name, test := range map[string]struct {
		location, key string
		want          string // a part of the finding; none if empty
	}{
		"good":                   {frankfurt.String(), key, ""},
		"global":                 {frankfurt.String(), strings.Replace(key, "europe-west3", "global", 1), ""},
		"multi-region":           {frankfurt.String(), strings.Replace(key, "europe-west3", "europe", 1), ""},
		"project of a domain":    {frankfurt.String(), strings.Replace(key, "acme-keys", "example.com:acme-keys", 1), ""},
		"elsewhere than Google":  {"hetzner/fsn1", key, ""},
		"location not known yet": {"", strings.Replace(key, "europe-west3", "us-east1", 1), ""},
		"another region":         {frankfurt.String(), strings.Replace(key, "europe-west3", "europe-west4", 1), "Key of another region: The key is in europe-west4"},
		"version":                {frankfurt.String(), key + "/cryptoKeyVersions/3", "A version instead of a key"},
		"URL":                    {frankfurt.String(), "https://cloudkms.googleapis.com/v1/" + key, "Not the name of a key"},
		"short":                  {frankfurt.String(), "projects/p/cryptoKeys/k", `Not the name of a key: "projects/p/cryptoKeys/k"`},
		"empty":                  {frankfurt.String(), "", "Not the name of a key"},
		"base64":                 {frankfurt.String(), base64.StdEncoding.EncodeToString([]byte(secret)), "(ENC-1): This looks like the key itself"},
		"base64 without padding": {frankfurt.String(), base64.RawURLEncoding.EncodeToString([]byte(secret)), "(ENC-1)"},
		"base64, broken":         {frankfurt.String(), base64.StdEncoding.EncodeToString([]byte(secret))[:20] + "\n " + base64.StdEncoding.EncodeToString([]byte(secret))[20:], "(ENC-1)"},
		"wrapped":                {frankfurt.String(), base64.StdEncoding.EncodeToString([]byte(strings.Repeat("w", 256))), "(ENC-1)"},
		"hexadecimal":            {frankfurt.String(), hex.EncodeToString([]byte(secret)), "(ENC-1)"},
		"PEM":                    {frankfurt.String(), "-----BEGIN PRIVATE KEY-----\nAAAA", "(ENC-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			findings := checkKMSKey(types.StringValue(test.location), block(said(test.key), none))
			if test.want == "" {
				if len(findings) > 0 {
					t.Errorf("refused: %v", findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].Field != "google.kms_key" || !strings.Contains(findings[0].Error(), test.want) {
				t.Fatalf("got %v, want %q", findings, test.want)
			}
			if strings.Contains(test.want, "ENC-1") && strings.Contains(findings[0].Error(), test.key) {
				t.Error("the message repeats what may be a key")
			}
		})
	}
	for name, b := range map[string]types.Object{"absent": absent, "unknown block": types.ObjectUnknown(kinds), "unknown key": block(unknown, none), "no key": block(none, none)} {
		if findings := checkKMSKey(types.StringValue(frankfurt.String()), b); len(findings) > 0 {
			t.Errorf("%s: %v", name, findings)
		}
	}
}

func TestCheckDiskType(t *testing.T) {
	for _, good := range []string{"pd-standard", "pd-balanced", "pd-ssd", "pd-extreme", "hyperdisk-balanced", "hyperdisk-balanced-high-availability"} {
		if findings := checkDiskType(DiskType, block(none, said(good))); len(findings) > 0 {
			t.Errorf("%s is refused: %v", good, findings)
		}
	}
	for _, bad := range []string{"", "ssd", "pd-fast", "zones/europe-west3-a/diskTypes/pd-ssd", "hyperdisk-"} {
		if findings := checkDiskType(DiskType, block(none, said(bad))); len(findings) != 1 || findings[0].Field != "google.type" {
			t.Errorf("%q: %v", bad, findings)
		}
	}
}

func TestOptions(t *testing.T) {
	if got := Options(absent); got != nil {
		t.Errorf("an absent block gives %v", got)
	}
	if got, want := Options(block(said(key), said("pd-ssd"))), map[string]string{KMSKey: key, DiskType: "pd-ssd"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestObserve(t *testing.T) {
	seen := func(key, disk string) map[string]string { return map[string]string{KMSKey: key, DiskType: disk} }
	for name, test := range map[string]struct {
		before   types.Object
		options  map[string]string
		location cloud.Location
		want     types.Object
	}{
		"defaults make no block":       {absent, seen("", DefaultDiskType), frankfurt, absent},
		"nothing is told":              {absent, nil, frankfurt, absent},
		"an imported disk with a key":  {absent, seen(key+"/cryptoKeyVersions/2", DefaultDiskType), frankfurt, block(said(key), none)},
		"an imported disk of its type": {absent, seen("", "pd-ssd"), frankfurt, block(none, said("pd-ssd"))},
		"as declared":                  {block(said(key), said("pd-ssd")), seen(key+"/cryptoKeyVersions/1", "pd-ssd"), frankfurt, block(said(key), said("pd-ssd"))},
		"the default, written out":     {block(none, said(DefaultDiskType)), seen("", DefaultDiskType), frankfurt, block(none, said(DefaultDiskType))},
		"a type that is not told":      {block(said(key), said("pd-ssd")), seen(key, ""), frankfurt, block(said(key), said("pd-ssd"))},
		"an empty block":               {block(none, none), seen("", DefaultDiskType), frankfurt, block(none, none)},
		"another disk of the name":     {block(said(key), none), seen("", DefaultDiskType), frankfurt, block(none, none)},
		"another cloud":                {block(said(key), none), nil, cloud.Location{Cloud: "hetzner", Name: "fsn1"}, block(said(key), none)},
		"not known before":             {types.ObjectUnknown(kinds), nil, frankfurt, absent},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Observe(test.before, kinds, test.options, test.location); !got.Equal(test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestReplaces(t *testing.T) {
	for name, test := range map[string]struct {
		prior, plan types.Object
		want        bool
	}{
		"same":                      {block(said(key), none), block(said(key), none), false},
		"the default is written":    {absent, block(none, said(DefaultDiskType)), false},
		"an empty block":            {absent, block(none, none), false},
		"a key is added":            {absent, block(said(key), none), true},
		"the key is removed":        {block(said(key), none), absent, true},
		"another key":               {block(said(key), none), block(said(key+"2"), none), true},
		"another type":              {absent, block(none, said("pd-ssd")), true},
		"a key not known yet":       {absent, block(unknown, none), true},
		"everything is unknown yet": {absent, types.ObjectUnknown(kinds), true},
	} {
		if got := Replaces(types.StringValue(frankfurt.String()), test.prior, test.plan, false); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if Replaces(types.StringValue("hetzner/fsn1"), test.prior, test.plan, false) {
			t.Errorf("%s: on another cloud the block is not read", name)
		}
	}
}

// machine makes a VM's block with some attributes; the others are null.
func machine(given map[string]attr.Value) types.Object {
	values := map[string]attr.Value{}
	for name, kind := range VMTypes() {
		values[name] = null(kind)
	}
	maps.Copy(values, given)
	return types.ObjectValueMust(VMTypes(), values)
}

func TestMachine(t *testing.T) {
	full := machine(map[string]attr.Value{KMSKey: said(key), BootDiskGB: types.Int64Value(50), SecureBoot: types.BoolValue(false), IPForwarding: types.BoolValue(true)})
	want := map[string]string{KMSKey: key, BootDiskGB: "50", SecureBoot: "false", IPForwarding: "true"}
	if got := Options(full); !maps.Equal(got, want) {
		t.Errorf("options %v, want %v", got, want)
	}
	if got := Observe(full, VMTypes(), map[string]string{KMSKey: key}, frankfurt); !got.Equal(full) {
		t.Errorf("what the vendor does not tell is lost: %s", got)
	}
	if got, want := Observe(full, VMTypes(), map[string]string{KMSKey: key, ServiceAccount: "a@b.iam.gserviceaccount.com"}, frankfurt).Attributes()[ServiceAccount], said("a@b.iam.gserviceaccount.com"); !want.Equal(got) {
		t.Errorf("the account is %s", got)
	}
	if got := Observe(types.ObjectNull(VMTypes()), VMTypes(), nil, frankfurt); !got.IsNull() {
		t.Errorf("an absent block became %s", got)
	}
	here := types.StringValue(frankfurt.String())
	for name, test := range map[string]struct {
		prior, plan types.Object
		imported    bool
		want        bool
	}{
		"same":                     {full, full, false, false},
		"a larger disk":            {machine(nil), machine(map[string]attr.Value{BootDiskGB: types.Int64Value(50)}), false, true},
		"a larger disk, imported":  {types.ObjectNull(VMTypes()), machine(map[string]attr.Value{BootDiskGB: types.Int64Value(50)}), true, false},
		"another key, imported":    {machine(map[string]attr.Value{KMSKey: said(key)}), full, true, false},
		"a key added, imported":    {types.ObjectNull(VMTypes()), machine(map[string]attr.Value{KMSKey: said(key)}), true, true},
		"forwarding, as it is":     {types.ObjectNull(VMTypes()), machine(map[string]attr.Value{IPForwarding: types.BoolValue(false)}), false, false},
		"forwarding not known yet": {types.ObjectNull(VMTypes()), machine(map[string]attr.Value{IPForwarding: types.BoolUnknown()}), false, true},
		"secure boot switched off": {machine(nil), machine(map[string]attr.Value{SecureBoot: types.BoolValue(false)}), false, true},
	} {
		if got := Replaces(here, test.prior, test.plan, test.imported); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, bad := range map[string]map[string]attr.Value{
		"google.service_account: Not a service account": {ServiceAccount: said("default")},
		"google.boot_disk_gb: Impossible size":          {BootDiskGB: types.Int64Value(5)},
		"google.boot_disk_type: Unknown type":           {BootDiskType: said("ssd")},
	} {
		findings := Check(here, machine(bad))
		if len(findings) != 1 || !strings.HasPrefix(findings[0].Field+": "+findings[0].Summary, name) {
			t.Errorf("got %v, want %s", findings, name)
		}
	}
	if findings := Check(here, full); len(findings) > 0 {
		t.Errorf("refused: %v", findings)
	}
}
