package vm

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// putImage lays an image into the cloud, which needs a disk of that size.
func (w *world) putImage(t *testing.T, source string, diskGB int64) string {
	t.Helper()
	id := w.ImageStore.Put(cloud.ImageSpec{Meta: cloud.Meta{Name: "base", Deployment: "test", Location: cloud.Location{Cloud: "hetzner", Name: "hel1"}}, Source: source})
	w.ImageStore.Change(id.Native, func(i *cloud.Image) { i.MinDiskGB = diskGB })
	return id.String()
}

func (w *world) fromImage(id any) servicetest.Config {
	return w.basic().With("image", nil).With("image_id", id)
}

func TestImageID(t *testing.T) {
	w := start(t)
	id, other := w.putImage(t, "a", 1), w.putImage(t, "b", 1)
	made := w.Create(w.fromImage(id))
	parsed, err := cloud.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.only(t).Image; got != parsed.Native {
		t.Errorf("the machine was made from %q, want %q", got, parsed.Native)
	}
	refreshed, diags := w.Refresh(made)
	if len(diags) > 0 || refreshed.Get(t, "image") != nil {
		t.Errorf("after a refresh the image is %v, %v", refreshed.Get(t, "image"), diags.Errors())
	}
	for name, test := range map[string]struct {
		config   servicetest.Config
		replaces []string
	}{
		"the same":              {w.fromImage(id), nil},
		"the same elsewhere":    {w.fromImage(strings.Replace(id, "hel1", "fsn1", 1)), nil},
		"the same by its name":  {w.basic().With("image", parsed.Native), nil},
		"another":               {w.fromImage(other), []string{"image_id"}},
		"one that is yet to be": {w.fromImage(servicetest.Unknown), []string{"image_id"}},
		"one of the vendor's":   {w.basic(), []string{"image_id"}},
	} {
		if plan := w.Plan(refreshed, test.config); !slices.Equal(plan.Replaces, test.replaces) || len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s: replaces %v, %v", name, plan.Replaces, plan.Diags.Errors())
		}
	}
	imported, diags := w.Import(w.only(t).ID.String())
	if plan := w.Plan(imported, w.fromImage(id)); len(diags.Errors()) > 0 || len(plan.Replaces) > 0 {
		t.Errorf("after an import: replaces %v, %v", plan.Replaces, diags.Errors())
	}
}

func TestImageIDRefused(t *testing.T) {
	w := start(t)
	huge := w.putImage(t, "huge", 1<<20)
	for name, test := range map[string]struct {
		config servicetest.Config
		want   string
	}{
		"none":          {w.fromImage(nil), "image: No image"},
		"two":           {w.basic().With("image_id", huge), "image_id: Two images"},
		"no id":         {w.fromImage("base"), "image_id: Not an object's id"},
		"another cloud": {w.fromImage("google/europe-west3-a/base"), "image_id: Object of another cloud"},
		"absent":        {w.fromImage("hetzner/hel1/987654"), "image_id: No such object"},
		"architecture":  {w.fromImage(huge).With("architecture", "arm"), "image_id: Image of another architecture"},
		"no disk suits": {w.fromImage(huge), "sells no server type"},
		"named type":    {w.fromImage(huge).With("cpus", nil).With("memory_gb", nil).With("server_type", "small"), "server_type: Server type and image do not go together"},
	} {
		t.Run(name, func(t *testing.T) {
			got := append(w.Validate(test.config).Errors(), w.Plan(servicetest.Instance{}, test.config).Diags.Errors()...)
			if !strings.Contains(strings.Join(got, "\n"), test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
