package hetzner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// The keys: the operator's and a machine's in one project, a machine's in a
// project of its own, and another customer's.
var s3Keys = map[string]s3.Key{
	"OPERATOR": {Secret: "operator-secret", Project: "42"},
	"MACHINE":  {Secret: "machine-secret", Project: "42"},
	"OUTSIDE":  {Secret: "outside-secret", Project: "43"},
	"FOREIGN":  {Secret: "foreign-secret", Project: "7"},
}

// storeWorld is an embedded object store with endpoints that have a path
// (/s3/<location>) and others that have none.
type storeWorld struct {
	t         *testing.T
	sim       *simcloud.Sim
	url       string
	endpoints map[string]string

	mu      sync.Mutex
	clients map[string]*minio.Core
}

func newStoreWorld(t *testing.T) *storeWorld {
	t.Helper()
	start := time.Now()
	sim, err := simcloud.New(simcloud.Options{Clock: simcloud.NewClock(start, 0), Seed: 1, S3: s3.Options{Keys: s3Keys}})
	if err != nil {
		t.Fatal(err)
	}
	w := &storeWorld{t: t, sim: sim, endpoints: map[string]string{}, clients: map[string]*minio.Core{}}
	serve := func(handler http.Handler) string {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return server.URL
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	w.url = serve(sim.Handler())
	for _, location := range simcloud.S3Locations() {
		w.endpoints[location] = serve(sim.S3Handler(location))
	}
	return w
}

func (w *storeWorld) connect(lost ...cloud.Location) *hetzner.Driver {
	w.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	w.t.Cleanup(transport.CloseIdleConnections)
	driver, err := hetzner.New(hetzner.Options{
		Token: token, Endpoint: w.url + "/v1", Version: "test", HTTPClient: &http.Client{Transport: transport},
		NewWaiter: func(poller cloud.OperationPoller) cloud.Waiter {
			return cloudtest.Waiter{Poller: poller, Pause: pollPause}
		},
		ObjectStorage: hetzner.ObjectStorage{AccessKey: "OPERATOR", SecretKey: s3Keys["OPERATOR"].Secret, Endpoint: w.url + "/s3/{location}"},
		Now:           w.sim.Clock().Now,
		Lost: func(l cloud.Location) bool {
			for _, one := range lost {
				if one == l {
					return true
				}
			}
			return false
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return driver
}

// client is somebody's own client of a location's store.
func (w *storeWorld) client(location, key string) *minio.Core {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if client, ok := w.clients[location+key]; ok {
		return client
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	w.t.Cleanup(transport.CloseIdleConnections)
	client, err := minio.NewCore(strings.TrimPrefix(w.endpoints[location], "http://"), &minio.Options{Region: location, MaxRetries: 1, Transport: transport,
		Creds: credentials.NewStaticV4(key, s3Keys[key].Secret, "")})
	if err != nil {
		w.t.Fatal(err)
	}
	w.clients[location+key] = client
	return client
}

func (w *storeWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *storeWorld) put(key string, id cloud.ID, object, content string) error {
	_, err := w.client(id.Location.Name, key).Client.PutObject(context.Background(), id.Native, object, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	return err
}

// raw sends a request that minio-go has no method for, as the operator.
func (w *storeWorld) raw(method, location, path string, header map[string]string) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.endpoints[location]+path, http.NoBody)
	w.must(err)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	request.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	response, err := http.DefaultClient.Do(signer.SignV4(*request, "OPERATOR", s3Keys["OPERATOR"].Secret, "", location))
	w.must(err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	w.must(err)
	return response.StatusCode, body.String()
}

// breakGuard turns a guard off as the account's owner can.
func (w *storeWorld) breakGuard(id cloud.ID, guard cloud.BucketGuard) error {
	client, ctx := w.client(id.Location.Name, "OPERATOR"), w.t.Context()
	switch guard {
	case cloud.GuardPrivate:
		if status, body := w.raw(http.MethodPut, id.Location.Name, "/"+id.Native+"?acl", map[string]string{"X-Amz-Acl": "public-read"}); status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	case cloud.GuardTLS:
		return client.SetBucketPolicy(ctx, id.Native, "")
	case cloud.GuardVersioned:
		return unlessInvalid(client.SuspendVersioning(ctx, id.Native))
	case cloud.GuardRetention:
		mode, days, unit := minio.Governance, uint(1), minio.Days
		return unlessInvalid(client.SetBucketObjectLockConfig(ctx, id.Native, &mode, &days, &unit))
	case cloud.GuardLifecycle:
		return client.SetBucketLifecycle(ctx, id.Native, &lifecycle.Configuration{Rules: []lifecycle.Rule{{ID: "oops", Status: "Enabled",
			Expiration: lifecycle.Expiration{Days: 1}}}})
	default: // of encryption there is nothing to switch
		return cloudtest.ErrCannotBreak
	}
}

// unlessInvalid takes a change that the store refuses for one that cannot be
// made: versioning cannot be suspended with object lock, nor a retention be set
// without.
func unlessInvalid(err error) error {
	if minio.ToErrorResponse(err).Code == "InvalidBucketState" {
		return cloudtest.ErrCannotBreak
	}
	return err
}

func (w *storeWorld) account() cloudtest.BucketAccount {
	fsn1, hel1 := cloud.Location{Cloud: hetzner.Name, Name: "fsn1"}, cloud.Location{Cloud: hetzner.Name, Name: "hel1"}
	return cloudtest.BucketAccount{
		Connect:  func(lost ...cloud.Location) cloud.BucketDriver { return w.connect(lost...) },
		Location: fsn1, Standby: hel1,
		Put: func(id cloud.ID, key, content string) {
			if err := w.put("OPERATOR", id, key, content); err != nil {
				w.t.Error(err)
			}
		},
		Destroy: func(id cloud.ID, key string) error {
			client := w.client(id.Location.Name, "OPERATOR")
			for object := range client.Client.ListObjects(w.t.Context(), id.Native, minio.ListObjectsOptions{Prefix: key, WithVersions: true, Recursive: true}) {
				if object.Err != nil {
					return object.Err
				}
				if err := client.RemoveObject(w.t.Context(), id.Native, object.Key, minio.RemoveObjectOptions{VersionID: object.VersionID, GovernanceBypass: true}); err != nil {
					return err
				}
			}
			return nil
		},
		Break: w.breakGuard,
		Stranger: func(name string) {
			w.must(w.client("fsn1", "OPERATOR").MakeBucket(w.t.Context(), name, minio.MakeBucketOptions{Region: "fsn1"}))
			w.must(w.put("OPERATOR", cloud.ID{Location: fsn1, Native: name}, "theirs", "x"))
		},
		Foreign: func(name string) {
			w.must(w.client("nbg1", "FOREIGN").MakeBucket(w.t.Context(), name, minio.MakeBucketOptions{Region: "nbg1"}))
		},
		LoseAnswer: func() {
			_, err := w.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultDropAfter, Cloud: simcloud.S3, Method: "PUT", Path: "/s3/fsn1/[^/]+/?$", Count: 1})
			w.must(err)
		},
		Lose: func(l cloud.Location) {
			_, err := w.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: simcloud.S3, Location: l.Name})
			w.must(err)
		},
		Advance: func(d time.Duration) { w.sim.Clock().Advance(d) },
		Guests: cloudtest.BucketGuests{
			Principal: func(n int) string { return fmt.Sprintf("p1%04d:GUEST", n) },
			Withdraw:  func(id cloud.ID, principal string) { w.editPolicy(id, principal, "") },
			Widen:     func(id cloud.ID, principal string) { w.editPolicy(id, "", principal) },
			Keep:      func(id cloud.ID) { w.editPolicy(id, "", "p99:SOMEBODY") },
			Kept: func(id cloud.ID) bool {
				policy, err := w.client(id.Location.Name, "OPERATOR").GetBucketPolicy(w.t.Context(), id.Native)
				w.must(err)
				return strings.Contains(policy, "p99:SOMEBODY")
			},
		},
	}
}

// editPolicy drops the statements about one principal alone, and lets another read
// everything.
func (w *storeWorld) editPolicy(id cloud.ID, drop, let string) {
	w.t.Helper()
	client, ctx := w.client(id.Location.Name, "OPERATOR"), w.t.Context()
	text, err := client.GetBucketPolicy(ctx, id.Native)
	w.must(err)
	var policy struct {
		Version   string
		Statement []json.RawMessage
	}
	w.must(json.Unmarshal([]byte(text), &policy))
	policy.Statement = slices.DeleteFunc(policy.Statement, func(s json.RawMessage) bool {
		return drop != "" && strings.Contains(string(s), fmt.Sprintf(`{"AWS":["arn:aws:iam:::user/%s"]}`, drop))
	})
	if let != "" {
		policy.Statement = append(policy.Statement, json.RawMessage(fmt.Sprintf(
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam:::user/%s"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}`, let, id.Native)))
	}
	all, err := json.Marshal(policy)
	w.must(err)
	w.must(client.SetBucketPolicy(ctx, id.Native, string(all)))
}

func TestBucketConformance(t *testing.T) {
	cloudtest.RunBuckets(t, cloudtest.BucketHarness{New: func(t *testing.T) cloudtest.BucketAccount { return newStoreWorld(t).account() }})
}
