package cloud

import (
	"maps"
	"reflect"
	"testing"
)

func TestLabelsOfAndBack(t *testing.T) {
	here := Location{Cloud: "hetzner", Name: "fsn1"}
	tests := map[string]struct {
		meta   Meta
		global bool
		want   map[string]string
	}{
		"everything": {
			meta: Meta{Name: "db", Location: here, Deployment: "acme", Tenant: "ada", Tier: TierPaid, Labels: map[string]string{"team": "a"}},
			want: map[string]string{"team": "a", LabelDeployment: "acme", LabelName: "db", LabelLocation: "fsn1", LabelTenant: "ada",
				LabelTier: "paid", LabelKey: Key("acme", KindVM, "db", here)},
		},
		"one for all locations": {
			meta: Meta{Name: "db", Location: here, Deployment: "acme"}, global: true,
			want: map[string]string{LabelDeployment: "acme", LabelName: "db", LabelLocation: "fsn1",
				LabelKey: Key("acme", KindVM, "db", Location{Cloud: "hetzner"})},
		},
		"nobody's": {
			meta: Meta{Name: "db", Location: here},
			want: map[string]string{LabelName: "db", LabelLocation: "fsn1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			labels := LabelsOf(KindVM, test.meta, test.global)
			if !maps.Equal(labels, test.want) {
				t.Errorf("labels %v, want %v", labels, test.want)
			}
			if back := MetaOf("hetzner", labels); !reflect.DeepEqual(back, test.meta) {
				t.Errorf("read back %+v, want %+v", back, test.meta)
			}
		})
	}
}

func TestNoun(t *testing.T) {
	for kind, want := range map[Kind]string{KindSSHKey: "SSH key", KindVM: "VM", KindVolume: "volume"} {
		if got := kind.Noun(); got != want {
			t.Errorf("%s is called %q, want %q", kind, got, want)
		}
	}
}
