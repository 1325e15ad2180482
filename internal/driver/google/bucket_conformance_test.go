package google_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/iam"
	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	simgoogle "github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

const guestAccount = "guest@acme-prod.iam.gserviceaccount.com"

// asToken adds a token to every request; empty adds none.
type asToken struct {
	token string
	base  http.RoundTripper
}

func (b asToken) RoundTrip(request *http.Request) (*http.Response, error) {
	if b.token != "" {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.base.RoundTrip(request)
}

// storeWorld is an embedded Cloud Storage, on a clock that the test moves.
type storeWorld struct {
	t       *testing.T
	sim     *simcloud.Sim
	url     string
	clients map[string]*storage.Client
}

func newStoreWorld(t *testing.T) *storeWorld {
	t.Helper()
	sim, err := simcloud.New(simcloud.Options{Clock: simcloud.NewClock(time.Now(), 0), Seed: 1,
		Google:                simgoogle.Options{Tokens: map[string]simgoogle.Token{"owner": {Projects: []string{project}}, "foreign": {Projects: []string{"somebody-else"}}}},
		GoogleServiceAccounts: map[string]string{"guest": guestAccount}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.GCSHandler())
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &storeWorld{t: t, sim: sim, url: server.URL, clients: map[string]*storage.Client{}}
	for _, token := range []string{"owner", "guest", "foreign", ""} {
		client, err := storage.NewClient(t.Context(), option.WithHTTPClient(w.http(token)), option.WithoutAuthentication(),
			option.WithEndpoint(w.url+"/storage/v1/"), storage.WithJSONReads())
		w.must(err)
		client.SetRetry(storage.WithPolicy(storage.RetryNever))
		w.clients[token] = client
	}
	return w
}

func (w *storeWorld) http(token string) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: asToken{token, transport}}
}

func (w *storeWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *storeWorld) connect(lost ...cloud.Location) *google.Driver {
	w.t.Helper()
	driver, err := google.New(google.Options{Project: project, Endpoint: w.url, StorageEndpoint: w.url, Version: "test", HTTPClient: w.http("owner"),
		NewWaiter: func(poller cloud.OperationPoller) cloud.Waiter {
			return cloudtest.Waiter{Poller: poller, Pause: pollPause}
		},
		Lost: func(l cloud.Location) bool { return slices.Contains(lost, l) },
		Now:  w.sim.Clock().Now,
	})
	w.must(err)
	return driver
}

func (w *storeWorld) put(token, bucket, key, content string) error {
	writer := w.clients[token].Bucket(bucket).Object(key).NewWriter(context.Background())
	writer.ChunkSize = 0 // one request
	_, err := io.WriteString(writer, content)
	return errors.Join(err, writer.Close())
}

func (w *storeWorld) breakGuard(id cloud.ID, guard cloud.BucketGuard) error {
	bucket, ctx := w.clients["owner"].Bucket(id.Native), w.t.Context()
	attrs, err := bucket.Attrs(ctx)
	w.must(err)
	var update storage.BucketAttrsToUpdate
	switch guard {
	case cloud.GuardPrivate:
		update.PublicAccessPrevention = storage.PublicAccessPreventionInherited
	case cloud.GuardVersioned:
		update.VersioningEnabled = false
	case cloud.GuardRetention:
		if attrs.RetentionPolicy == nil {
			return cloudtest.ErrCannotBreak
		}
		update.RetentionPolicy = &storage.RetentionPolicy{}
	case cloud.GuardLifecycle:
		update.Lifecycle = &storage.Lifecycle{Rules: append(attrs.Lifecycle.Rules, storage.LifecycleRule{
			Action: storage.LifecycleAction{Type: storage.DeleteAction}, Condition: storage.LifecycleCondition{AgeInDays: 1}})}
	default: // the vendor always encrypts, and a bucket cannot be told to refuse what comes without TLS
		return cloudtest.ErrCannotBreak
	}
	_, err = bucket.Update(ctx, update)
	return err
}

func (w *storeWorld) destroy(id cloud.ID, key string) error {
	bucket := w.clients["owner"].Bucket(id.Native)
	versions := bucket.Objects(w.t.Context(), &storage.Query{Prefix: key, Versions: true})
	for {
		object, err := versions.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		w.must(err)
		if err := bucket.Object(object.Name).Generation(object.Generation).Delete(w.t.Context()); err != nil {
			return err
		}
	}
}

func (w *storeWorld) account() cloudtest.BucketAccount {
	return cloudtest.BucketAccount{
		Connect:  func(lost ...cloud.Location) cloud.BucketDriver { return w.connect(lost...) },
		Location: cloud.Location{Cloud: google.Name, Name: zone}, Standby: cloud.Location{Cloud: google.Name, Name: "europe-west4-a"},
		Put: func(id cloud.ID, key, content string) {
			if err := w.put("owner", id.Native, key, content); err != nil {
				w.t.Error(err)
			}
		},
		Destroy: w.destroy,
		Break:   w.breakGuard,
		Stranger: func(name string) {
			w.must(w.clients["owner"].Bucket(name).Create(w.t.Context(), project, &storage.BucketAttrs{Location: "EUROPE-WEST3"}))
			w.must(w.put("owner", name, "theirs", "x"))
		},
		Foreign: func(name string) {
			w.must(w.clients["foreign"].Bucket(name).Create(w.t.Context(), "somebody-else", &storage.BucketAttrs{Location: "US"}))
		},
		LoseAnswer: func() {
			_, err := w.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultDropAfter, Cloud: simcloud.GCS, Method: "POST", Path: "/b$", Count: 1})
			w.must(err)
		},
		Lose: func(l cloud.Location) {
			_, err := w.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: simcloud.GCS, Location: region})
			w.must(err)
		},
		Advance: func(d time.Duration) { w.sim.Clock().Advance(d) },
		Guests: cloudtest.BucketGuests{
			Principal: func(n int) string { return fmt.Sprintf("g%d@acme-prod.iam.gserviceaccount.com", n) },
			Withdraw: func(id cloud.ID, principal string) {
				w.editPolicy(id.Native, func(policy *iam.Policy3) {
					policy.Bindings = slices.DeleteFunc(policy.Bindings, func(b *iampb.Binding) bool { return slices.Equal(b.Members, []string{"serviceAccount:" + principal}) })
				})
			},
			Widen: func(id cloud.ID, principal string) { w.let(id.Native, principal) },
			Keep:  func(id cloud.ID) { w.let(id.Native, "auditor@acme-prod.iam.gserviceaccount.com") },
			Kept: func(id cloud.ID) bool {
				policy, err := w.clients["owner"].Bucket(id.Native).IAM().V3().Policy(w.t.Context())
				w.must(err)
				return slices.ContainsFunc(policy.Bindings, func(b *iampb.Binding) bool {
					return slices.Contains(b.Members, "serviceAccount:auditor@acme-prod.iam.gserviceaccount.com")
				})
			},
		},
		BecomesImmutable: true,
	}
}

// editPolicy changes a bucket's policy as the account's owner can.
func (w *storeWorld) editPolicy(bucket string, edit func(*iam.Policy3)) {
	w.t.Helper()
	handle := w.clients["owner"].Bucket(bucket).IAM().V3()
	policy, err := handle.Policy(w.t.Context())
	w.must(err)
	edit(policy)
	w.must(handle.SetPolicy(w.t.Context(), policy))
}

// let has somebody read the whole bucket.
func (w *storeWorld) let(bucket, account string) {
	w.t.Helper()
	w.editPolicy(bucket, func(policy *iam.Policy3) {
		policy.Bindings = append(policy.Bindings, &iampb.Binding{Role: "roles/storage.objectViewer", Members: []string{"serviceAccount:" + account}})
	})
}

func TestBucketConformance(t *testing.T) {
	cloudtest.RunBuckets(t, cloudtest.BucketHarness{New: func(t *testing.T) cloudtest.BucketAccount { return newStoreWorld(t).account() }})
}
