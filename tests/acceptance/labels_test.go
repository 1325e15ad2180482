package acceptance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/tags"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
)

// Labels are what tells whose an object is, and anybody in the account can
// change them. Whoever does must not make Terraform replace what is in its
// state: these tests do it to one object of each kind.

// repairable are changes of labels that an apply undoes in place. An empty
// value takes a label off; without any, all go.
func repairable() []map[string]string {
	return []map[string]string{
		nil,
		{"holdfast-name": "other", "holdfast-key": "nonsense", "holdfast-location": "nowhere", "holdfast-tenant": "nobody", "holdfast-tier": "silver"},
		{"holdfast-key": ""},
		{"holdfast-name": "other"},
		{"holdfast-location": "elsewhere"},
		{"holdfast-tenant": "nobody"},
	}
}

// bearer is an object whose labels are tampered with.
type bearer struct {
	address string
	get     func() map[string]string
	put     func(map[string]string)
	// without are labels that say nothing of such an object.
	without []string

	id     string
	labels map[string]string
}

// means tells whether a change of labels is one to be undone.
func (b *bearer) means(change map[string]string) bool {
	if len(change) != 1 {
		return true
	}
	for label := range change {
		return !slices.Contains(b.without, label)
	}
	return false
}

func (b *bearer) are(want map[string]string) error {
	if got := b.get(); !maps.Equal(got, want) {
		return fmt.Errorf("the labels of %s are\n%v, want\n%v", b.address, got, want)
	}
	return nil
}

// bearers are objects of one configuration.
type bearers struct {
	config string
	list   []*bearer
}

// survive tampers with the objects' labels in every way, and wants each to be
// shown and undone in place, but for the label of another deployment, which
// nothing may be written over.
func (b bearers) survive(t *testing.T, run func(*testing.T, ...resource.TestStep), last ...resource.TestStep) {
	t.Helper()
	steps := []resource.TestStep{{Config: b.config, Check: func(state *terraform.State) error {
		for _, one := range b.list {
			one.labels = one.get()
			if err := remember(one.address, &one.id)(state); err != nil {
				return err
			}
		}
		return nil
	}}}
	repaired := func(state *terraform.State) error {
		for _, one := range b.list {
			if err := errors.Join(stays(one.address, &one.id)(state), one.are(one.labels)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, change := range repairable() {
		var checks []plancheck.PlanCheck
		for _, one := range b.list {
			action := plancheck.ResourceActionNoop
			if one.means(change) {
				action = plancheck.ResourceActionUpdate
			}
			checks = append(checks, plancheck.ExpectResourceAction(one.address, action))
		}
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				t.Log(change)
				for _, one := range b.list {
					switch {
					case change == nil:
						one.put(nil)
					case one.means(change):
						one.put(labelled(one.get(), change))
					}
				}
			},
			Config: b.config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: checks}, Check: repaired,
		})
	}
	for _, one := range b.list {
		var foreign map[string]string
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				t.Log(one.address, "of another deployment")
				one.put(labelled(one.get(), map[string]string{"holdfast-deployment": "rival"}))
				foreign = one.get()
			},
			Config: b.config, ExpectError: says("another deployment", `"rival"`),
		}, resource.TestStep{
			PreConfig: func() {
				if err := one.are(foreign); err != nil {
					t.Errorf("something was written over another deployment's label: %v", err)
				}
				one.put(one.labels)
			},
			Config: b.config, ConfigPlanChecks: nothingPlanned(), Check: repaired,
		})
	}
	run(t, append(steps, last...)...)
}

func TestLabelsOfBucketOnHetzner(t *testing.T) {
	v := newVaults(t)
	store, name, ctx := v.store(t, "nbg1"), "acc-backups-nbg1", context.Background()
	b := &bearer{address: bucketName, without: []string{"holdfast-tenant"}}
	b.get = func() map[string]string {
		have, err := store.GetBucketTagging(ctx, name)
		if err != nil {
			if minio.ToErrorResponse(err).Code == "NoSuchTagSet" {
				return nil
			}
			t.Fatal(err)
		}
		return have.ToMap()
	}
	b.put = func(labels map[string]string) {
		putObject(t, store, name)
		err := store.RemoveBucketTagging(ctx, name)
		if len(labels) > 0 {
			var set *tags.Tags
			if set, err = tags.NewTags(labels, false); err == nil {
				err = store.SetBucketTagging(ctx, name, set)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	config := v.config(bucket("hetzner/nbg1", "force_destroy = true"))
	bearers{config, []*bearer{b}}.survive(t, v.test, resource.TestStep{Config: config, Check: func(*terraform.State) error {
		_, err := store.StatObject(ctx, name, "acc/acme/restic/config", minio.StatObjectOptions{})
		return err
	}})
}

func putObject(t *testing.T, store *minio.Client, bucket string) {
	t.Helper()
	if _, err := store.PutObject(context.Background(), bucket, "acc/acme/restic/config", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestLabelsOfBucketOnGoogle(t *testing.T) {
	v := newVaults(t)
	ctx := context.Background()
	client, err := storage.NewClient(ctx, option.WithEndpoint(strings.TrimSuffix(v.HetznerEndpoint(), "/v1")+"/storage/v1/"),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})), storage.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	handle := client.Bucket("acc-backups-us-central1-a")
	b := &bearer{address: bucketName, without: []string{"holdfast-tenant"}}
	b.get = func() map[string]string {
		attrs, err := handle.Attrs(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return attrs.Labels
	}
	b.put = func(labels map[string]string) {
		writer := handle.Object("acc/acme/restic/config").NewWriter(ctx)
		if _, err := io.WriteString(writer, "x"); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		var update storage.BucketAttrsToUpdate
		for key := range b.get() {
			if _, stays := labels[key]; !stays {
				update.DeleteLabel(key)
			}
		}
		for key, value := range labels {
			update.SetLabel(key, value)
		}
		if _, err := handle.Update(ctx, update); err != nil {
			t.Fatal(err)
		}
	}
	config := v.config(bucket("google/us-central1-a", "force_destroy = true"))
	bearers{config, []*bearer{b}}.survive(t, v.test, resource.TestStep{Config: config, Check: func(*terraform.State) error {
		_, err := handle.Object("acc/acme/restic/config").Attrs(ctx)
		return err
	}})
}
