package cloudtest

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// runImages tries the images of a cloud that has them.
func runImages(t *testing.T, h Harness) {
	for name, test := range map[string]func(*testing.T, *env, cloud.Images){
		"life": imageLife, "another source": imageBeside, "leftovers": imageLeftovers,
		"the hardening fails": imageFails, "lost answer": imageLostAnswer, "a VM made from it": imageVM,
		"interrupted": imageInterrupted,
	} {
		t.Run("image/"+name, func(t *testing.T) {
			e := open(t, h)
			images, err := cloud.ImagesOf(e.driver)
			if err != nil {
				t.Skip("this cloud has no images")
			}
			e.furnish(t)
			test(t, e, images)
		})
	}
}

// image is a spec of the suite. Its script does nothing but end well.
func (e *env) image(name, source string) cloud.ImageSpec {
	meta := e.meta(name)
	meta.Tenant, meta.Tier = "", ""
	return cloud.ImageSpec{Meta: meta, Source: source, Base: e.Image, ServerType: e.ServerType, Network: e.network,
		Script: "#!/bin/sh\nsystemctl poweroff\n", TimeLimit: limit}
}

func makeImage(t *testing.T, e *env, images cloud.Images, spec cloud.ImageSpec) cloud.Image {
	t.Helper()
	var saved []cloud.Image
	made, err := images.Create(e.ctx, spec, func(i cloud.Image) { saved = append(saved, i) })
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if len(saved) == 0 || made.ID.Native == "" || saved[0].ID != made.ID || made.ID.Location != spec.Location {
		t.Fatalf("handed over were %v, the image is %s", saved, made.ID)
	}
	e.noMachines(t)
	return made
}

// noMachines: every temporary machine is gone.
func (e *env) noMachines(t *testing.T) {
	t.Helper()
	left, err := e.driver.VMs().List(e.ctx, cloud.Filter{Deployment: "conformance"})
	if err != nil {
		t.Fatal(err)
	}
	for _, vm := range left {
		if vm.Labels[cloud.LabelBuilds] != "" {
			t.Errorf("the temporary machine %s is left", vm.NativeName)
		}
	}
}

func wantImage(t *testing.T, when string, spec cloud.ImageSpec, got cloud.Image) {
	t.Helper()
	if got.Name != spec.Name || got.Deployment != spec.Deployment || got.Source != spec.Source || got.Labels["suite"] != spec.Labels["suite"] || len(got.Labels) != len(spec.Labels) {
		t.Errorf("%s it is %+v, wanted %+v", when, got.ImageSpec, spec)
	}
	if got.Status == "" {
		t.Errorf("%s it has no status", when)
	}
}

func imageLife(t *testing.T, e *env, images cloud.Images) {
	spec := e.image("base", "aaaaaaaaaaaaaaaa")
	made := makeImage(t, e, images, spec)
	wantImage(t, "when made", spec, made)
	read, err := images.Get(e.ctx, made.ID.Native)
	if err != nil {
		t.Fatal(err)
	}
	wantImage(t, "when read", spec, read)
	if read.Architecture != cloud.ArchX86 || read.MinDiskGB < 1 {
		t.Errorf("it is of architecture %q and needs %d GB", read.Architecture, read.MinDiskGB)
	}
	if again := makeImage(t, e, images, spec); again.ID != made.ID {
		t.Errorf("the second create made %s beside %s", again.ID, made.ID)
	}
	// Images are the cloud's: a stand-by has the same one.
	elsewhere := spec
	elsewhere.Location = e.Standby
	if same := makeImage(t, e, images, elsewhere); same.ID.Native != made.ID.Native {
		t.Errorf("the stand-by made %s beside %s", same.ID, made.ID)
	}
	for what, filter := range map[string]cloud.Filter{
		"deployment": {Deployment: "conformance"}, "key": {Keys: []string{cloud.ImageKey(spec.Meta, spec.Source)}}, "label": {Labels: map[string]string{"suite": "cloudtest"}},
	} {
		if found, err := images.List(e.ctx, filter); err != nil || len(found) != 1 || found[0].ID.Native != made.ID.Native {
			t.Errorf("the search by %s finds %v, %v", what, found, err)
		}
	}
	if found, err := images.List(e.ctx, cloud.Filter{Deployment: "other"}); err != nil || len(found) != 0 {
		t.Errorf("the search for others finds %v, %v", found, err)
	}
	changed := spec
	changed.Name, changed.Labels = "renamed", map[string]string{"suite": "changed", "more": "1"}
	changed.Protected = e.driver.Capabilities().Protectable[cloud.KindImage]
	current, err := images.Get(e.ctx, made.ID.Native)
	if err != nil {
		t.Fatal(err)
	}
	updated, err := images.Update(e.ctx, current, changed)
	if err != nil {
		t.Fatal(err)
	}
	wantImage(t, "when updated", changed, updated)
	if read, err = images.Get(e.ctx, made.ID.Native); err != nil {
		t.Fatal(err)
	}
	wantImage(t, "when read again", changed, read)
	if changed.Protected {
		wantCode(t, images.Delete(e.ctx, made.ID.Native), cloud.CodeProtected)
		changed.Protected = false
		if _, err := images.Update(e.ctx, read, changed); err != nil {
			t.Fatal(err)
		}
	}
	other := changed
	other.Source = "bbbbbbbbbbbbbbbb"
	_, err = images.Update(e.ctx, read, other)
	wantCode(t, err, cloud.CodeUnsupported)
	for range 2 {
		if err := images.Delete(e.ctx, made.ID.Native); err != nil {
			t.Fatal(err)
		}
	}
	_, err = images.Get(e.ctx, made.ID.Native)
	wantCode(t, err, cloud.CodeNotFound)
}

// imageBeside: one name and another source is another image, and the first
// stays.
func imageBeside(t *testing.T, e *env, images cloud.Images) {
	first := makeImage(t, e, images, e.image("base", "aaaaaaaaaaaaaaaa"))
	second := makeImage(t, e, images, e.image("base", "bbbbbbbbbbbbbbbb"))
	if first.ID == second.ID {
		t.Fatal("another source gave the same image")
	}
	if _, err := images.Get(e.ctx, first.ID.Native); err != nil {
		t.Error(err)
	}
}

// imageLeftovers: what a killed run has left is removed by the next.
func imageLeftovers(t *testing.T, e *env, images cloud.Images) {
	spec := e.image("base", "aaaaaaaaaaaaaaaa")
	earlier := spec
	earlier.Source, earlier.Script = "bbbbbbbbbbbbbbbb", "#!/bin/sh\nexit 1\n"
	left, err := e.driver.VMs().Create(e.ctx, cloud.Builder(earlier, cloud.PowerRunning), func(cloud.VM) {})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := e.driver.VMs().List(e.ctx, cloud.Filter{Deployment: "conformance"}); err != nil || len(found) != 1 || found[0].ID.Native != left.ID.Native {
		t.Fatalf("the deployment's machines are %v, %v: what is left could not be found", found, err)
	}
	makeImage(t, e, images, spec)
	_, err = e.driver.VMs().Get(e.ctx, left.ID.Native)
	wantCode(t, err, cloud.CodeNotFound)
}

// imageFails: a machine that stays on has failed, and goes all the same.
func imageFails(t *testing.T, e *env, images cloud.Images) {
	spec := e.image("base", "aaaaaaaaaaaaaaaa")
	spec.Script, spec.TimeLimit = "#!/bin/sh\nexit 1\n", 200*time.Millisecond
	_, err := images.Create(e.ctx, spec, func(i cloud.Image) { t.Errorf("%s was handed over", i.ID) })
	wantCode(t, err, cloud.CodeOperationFailed)
	e.noMachines(t)
	if found, err := images.List(e.ctx, cloud.Filter{Deployment: "conformance"}); err != nil || len(found) != 0 {
		t.Errorf("there are images %v, %v", found, err)
	}
}

func imageLostAnswer(t *testing.T, e *env, images cloud.Images) {
	if e.LoseAnswer == nil {
		t.Skip("no answer of this cloud can be lost")
	}
	e.LoseAnswer(cloud.KindImage)
	spec := e.image("base", "aaaaaaaaaaaaaaaa")
	made := makeImage(t, e, images, spec)
	if found, err := images.List(e.ctx, cloud.Filter{Deployment: "conformance"}); err != nil || len(found) != 1 || found[0].ID.Native != made.ID.Native {
		t.Errorf("there are images %v, %v", found, err)
	}
}

// imageVM: a machine names the image by its native id, and is told to be made
// from it.
func imageVM(t *testing.T, e *env, images cloud.Images) {
	made := makeImage(t, e, images, e.image("base", "aaaaaaaaaaaaaaaa"))
	n := vms()
	spec := n.spec(t, e, e.meta("child"))
	spec.Image = made.ID.Native
	vm := n.create(t, e, spec)
	if read, err := e.driver.VMs().Get(e.ctx, vm.ID.Native); err != nil || read.Image != made.ID.Native {
		t.Errorf("the VM was made from %q, %v", read.Image, err)
	}
}

// imageInterrupted: whoever gives up leaves no machine.
func imageInterrupted(t *testing.T, e *env, _ cloud.Images) {
	spec := e.image("base", "aaaaaaaaaaaaaaaa")
	spec.Script = "#!/bin/sh\nexit 1\n"
	driver := e.driver
	e.driver = e.Connect()
	images, err := cloud.ImagesOf(e.driver)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextUntil(e.ctx, func() bool {
		found, err := driver.VMs().List(e.ctx, cloud.Filter{Deployment: "conformance"})
		return err == nil && len(found) == 1
	})
	defer cancel()
	if _, err := images.Create(ctx, spec, func(cloud.Image) {}); err == nil {
		t.Error("it succeeded")
	}
	e.noMachines(t)
}

// contextUntil gives a context that ends when something has come true.
func contextUntil(parent context.Context, happened func() bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		for ctx.Err() == nil && !happened() {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	return ctx, cancel
}
