package acceptance

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

const aDay = 24 * time.Hour

// TestImmutableAgainstItsOwner: whoever has the account's own keys cannot
// destroy or change a backup in an immutable bucket, in any of three ways
// (restic, a client library, signed HTTP), before its time (BAK-6); and can
// afterwards.
func TestImmutableAgainstItsOwner(t *testing.T) {
	c := newCellar(t, time.Time{})
	config := c.config(bucket("hetzner/nbg1", "immutable_days = 93"))
	var id string
	var h hoard
	var begun time.Time
	c.test(t,
		resource.TestStep{Config: config, Check: idInto(&id)},
		resource.TestStep{
			PreConfig: func() {
				h, begun = c.repository(t, id, "acme").bury(t), c.Clock().Now()
				h.robbed(t)
				h.attackedByClient(t)
				h.attackedByHTTP(t)
				h.outlivesLifecycle(t)
			},
			// What the owner could change is seen, and put right.
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(bucketName, plancheck.ResourceActionUpdate)}},
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(bucketName, "protections.retention", "true"),
				resource.TestCheckResourceAttr(bucketName, "protections.lifecycle", "true")),
		},
		resource.TestStep{
			PreConfig: func() {
				h.restores(t, "after every attempt")
				remove := func() error {
					v := h.held[0]
					return c.store(t, "nbg1").RemoveObject(context.Background(), h.id.Native, v.key, minio.RemoveObjectOptions{VersionID: v.id, GovernanceBypass: true})
				}
				c.Clock().Advance(begun.Add(93*aDay - time.Hour).Sub(c.Clock().Now()))
				h.refused(t, "an hour before its time", remove(), "AccessDenied")
				c.Clock().Advance(2 * time.Hour)
				if err := remove(); err != nil {
					t.Errorf("past its time: %v", err)
				}
				c.Clock().Advance(94 * aDay) // what was revived is as old now
				h.clear(t)
			},
			Config: c.config(""),
		},
	)
}

// attackedByClient is what minio-go can do.
func (h hoard) attackedByClient(t *testing.T) {
	t.Helper()
	ctx, store, v, now := context.Background(), h.c.store(t, "nbg1"), h.one(), h.c.Clock().Now()
	remove := func(o minio.RemoveObjectOptions) error {
		o.VersionID = v.id
		return store.RemoveObject(ctx, h.id.Native, v.key, o)
	}
	h.refused(t, "remove a version", remove(minio.RemoveObjectOptions{}), "AccessDenied")
	h.refused(t, "remove it past governance", remove(minio.RemoveObjectOptions{GovernanceBypass: true}), "AccessDenied")

	all := make(chan minio.ObjectInfo, len(h.held))
	for _, one := range h.held {
		all <- minio.ObjectInfo{Key: one.key, VersionID: one.id}
	}
	close(all)
	denied := 0
	for failed := range store.RemoveObjects(ctx, h.id.Native, all, minio.RemoveObjectsOptions{GovernanceBypass: true}) {
		h.refused(t, "remove all versions at once", failed.Err, "AccessDenied")
		denied++
	}
	if denied != len(h.held) {
		t.Errorf("of %d versions %d were refused", len(h.held), denied)
	}

	retain := func(mode minio.RetentionMode, until time.Time) error {
		o := minio.PutObjectRetentionOptions{VersionID: v.id, GovernanceBypass: true}
		if mode != "" {
			o.Mode, o.RetainUntilDate = &mode, &until
		}
		return store.PutObjectRetention(ctx, h.id.Native, v.key, o)
	}
	h.refused(t, "retain for a shorter time", retain(minio.Compliance, now.Add(aDay)), "AccessDenied")
	h.refused(t, "retain by governance", retain(minio.Governance, now.Add(1000*aDay)), "AccessDenied")
	h.refused(t, "retain no more", retain("", time.Time{}), "AccessDenied")
	off := minio.LegalHoldDisabled
	h.refused(t, "lift a hold that there is not", store.PutObjectLegalHold(ctx, h.id.Native, v.key, minio.PutObjectLegalHoldOptions{VersionID: v.id, Status: &off}))

	h.refused(t, "suspend versioning", store.SuspendVersioning(ctx, h.id.Native), "InvalidBucketState")
	h.refused(t, "delete the bucket", store.RemoveBucket(ctx, h.id.Native), "BucketNotEmpty")

	// Overwriting makes a newer version, and deleting a marker: both hide.
	_, err := store.PutObject(ctx, h.id.Native, v.key, strings.NewReader("nothing"), 7, minio.PutObjectOptions{})
	h.refused(t, "overwrite", err)
	h.refused(t, "delete", store.RemoveObject(ctx, h.id.Native, v.key, minio.RemoveObjectOptions{}))
	h.revive(t, v)

	// The bucket's default is for what comes: the vendor lets it be shortened.
	mode, days, unit := minio.Governance, uint(1), minio.Days
	h.refused(t, "shorten the bucket's lock", store.SetObjectLockConfig(ctx, h.id.Native, &mode, &days, &unit))
	h.refused(t, "remove a version under a shorter lock", remove(minio.RemoveObjectOptions{GovernanceBypass: true}), "AccessDenied")
	h.refused(t, "clear the bucket's lock", store.SetObjectLockConfig(ctx, h.id.Native, nil, nil, nil))
	h.refused(t, "remove a version without a lock", remove(minio.RemoveObjectOptions{GovernanceBypass: true}), "AccessDenied")
}

// attackedByHTTP sends requests that are signed and otherwise written by hand.
func (h hoard) attackedByHTTP(t *testing.T) {
	t.Helper()
	v, now := h.one(), h.c.Clock().Now().UTC()
	version := "versionId=" + url.QueryEscape(v.id)
	retention := func(mode string, until time.Time) string {
		return fmt.Sprintf("<Retention><Mode>%s</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>", mode, until.Format(time.RFC3339))
	}
	lock := func(rule string) string {
		return "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>" + rule + "</ObjectLockConfiguration>"
	}
	for _, one := range []struct {
		how, method, key, query, body string
		status                        int
		says                          string
	}{
		{"delete a version", http.MethodDelete, v.key, version, "", 403, "AccessDenied"},
		{"delete it with its MFA's name", http.MethodDelete, v.key, version + "&x-amz-mfa=1", "", 403, "AccessDenied"},
		{"retain for a shorter time", http.MethodPut, v.key, "retention=&" + version, retention("COMPLIANCE", now.Add(aDay)), 403, "AccessDenied"},
		{"retain by governance", http.MethodPut, v.key, "retention=&" + version, retention("GOVERNANCE", now.Add(1000*aDay)), 403, "AccessDenied"},
		{"retain until yesterday", http.MethodPut, v.key, "retention=&" + version, retention("COMPLIANCE", now.Add(-aDay)), 400, "InvalidArgument"},
		{"retain no more", http.MethodPut, v.key, "retention=&" + version, "<Retention/>", 403, "AccessDenied"},
		{"lift a hold", http.MethodPut, v.key, "legal-hold=&" + version, "<LegalHold><Status>OFF</Status></LegalHold>", 200, ""},
		{"turn the lock off", http.MethodPut, "", "object-lock=", strings.Replace(lock(""), ">Enabled<", ">Disabled<", 1), 400, "MalformedXML"},
		{"clear the bucket's lock", http.MethodPut, "", "object-lock=", lock(""), 200, ""},
		{"delete a version of a bucket without a default", http.MethodDelete, v.key, version, "", 403, "AccessDenied"},
		{"shorten the bucket's lock", http.MethodPut, "", "object-lock=", lock("<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>"), 200, ""},
		{"delete a version of a bucket with a shorter default", http.MethodDelete, v.key, version, "", 403, "AccessDenied"},
		{"suspend versioning", http.MethodPut, "", "versioning=", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", 409, "InvalidBucketState"},
		{"delete many", http.MethodPost, "", "delete=", "<Delete><Object><Key>" + v.key + "</Key><VersionId>" + v.id + "</VersionId></Object></Delete>", 200, "AccessDenied"},
		{"delete the bucket", http.MethodDelete, "", "", "", 409, "BucketNotEmpty"},
	} {
		status, said := h.signed(t, one.method, one.key, one.query, one.body)
		if status != one.status || !strings.Contains(said, one.says) {
			t.Errorf("%s: %d %s, want %d %s", one.how, status, said, one.status, one.says)
		}
		h.intact(t, one.how)
	}
}

// signed sends one request with the account's keys, and the header that lifts
// governance.
func (h hoard) signed(t *testing.T, method, key, query, body string) (status int, said string) {
	t.Helper()
	target := h.c.S3Endpoint("nbg1") + "/" + h.id.Native
	if key != "" {
		target += "/" + key
	}
	r, err := http.NewRequestWithContext(context.Background(), method, target+"?"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum, short := sha256.Sum256([]byte(body)), md5.Sum([]byte(body)) // the vendor wants both
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(short[:]))
	r.Header.Set("X-Amz-Bypass-Governance-Retention", "true")
	response, err := http.DefaultClient.Do(signer.SignV4(*r, s3.DefaultAccessKey, s3.DefaultSecretKey, "", "nbg1"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// outlivesLifecycle lets the vendor itself delete everything after a day.
func (h hoard) outlivesLifecycle(t *testing.T) {
	t.Helper()
	rules := lifecycle.NewConfiguration()
	rules.Rules = []lifecycle.Rule{{ID: "all", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: h.prefix},
		Expiration:                  lifecycle.Expiration{Days: 1},
		NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1}}}
	if err := h.c.store(t, "nbg1").SetBucketLifecycle(context.Background(), h.id.Native, rules); err != nil {
		t.Fatal(err)
	}
	h.c.Clock().Advance(4 * aDay)
	for _, v := range h.versions(t, "restic/") {
		if v.live {
			t.Errorf("the lifecycle leaves %s", v)
		}
	}
	h.intact(t, "a lifecycle of one day")
	if err := h.c.store(t, "nbg1").SetBucketLifecycle(context.Background(), h.id.Native, lifecycle.NewConfiguration()); err != nil {
		t.Fatal(err)
	}
	for _, v := range h.held {
		h.revive(t, v)
	}
}
