package gcs_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/genproto/googleapis/type/expr"
)

func TestBuckets(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-backups", storage.BucketAttrs{
		Location: "europe-west3", Labels: map[string]string{"deployment": "acme-eu"}, VersioningEnabled: true,
		UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true}, PublicAccessPrevention: storage.PublicAccessPreventionEnforced,
		SoftDeletePolicy: &storage.SoftDeletePolicy{RetentionDuration: 10 * day}, RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: 30 * day},
		Encryption: &storage.BucketEncryption{DefaultKMSKeyName: "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
		Lifecycle: storage.Lifecycle{Rules: []storage.LifecycleRule{{Action: storage.LifecycleAction{Type: "Delete"},
			Condition: storage.LifecycleCondition{AgeInDays: 40, NumNewerVersions: 2, MatchesPrefix: []string{"a/"}}}}},
	})
	a, err := b.Attrs(c.ctx)
	c.ok(err)
	if a.Location != "EUROPE-WEST3" || a.LocationType != "region" || a.StorageClass != "STANDARD" || a.Labels["deployment"] != "acme-eu" || !a.VersioningEnabled ||
		!a.UniformBucketLevelAccess.Enabled || a.PublicAccessPrevention != storage.PublicAccessPreventionEnforced || a.SoftDeletePolicy.RetentionDuration != 10*day ||
		a.RetentionPolicy.RetentionPeriod != 30*day || a.RetentionPolicy.IsLocked || a.Encryption.DefaultKMSKeyName != "projects/p/locations/l/keyRings/r/cryptoKeys/k" ||
		len(a.Lifecycle.Rules) != 1 || a.Lifecycle.Rules[0].Condition.NumNewerVersions != 2 || a.MetaGeneration != 1 {
		t.Errorf("the bucket is %+v", a)
	}
	u := storage.BucketAttrsToUpdate{VersioningEnabled: false, Lifecycle: &storage.Lifecycle{}, SoftDeletePolicy: &storage.SoftDeletePolicy{}}
	u.SetLabel("tier", "paid")
	u.DeleteLabel("deployment")
	a, err = b.If(storage.BucketConditions{MetagenerationMatch: 1}).Update(c.ctx, u)
	c.ok(err)
	if a.VersioningEnabled || len(a.Lifecycle.Rules) != 0 || a.SoftDeletePolicy.RetentionDuration != 0 || len(a.Labels) != 1 || a.Labels["tier"] != "paid" ||
		a.RetentionPolicy == nil || a.MetaGeneration != 2 {
		t.Errorf("after a patch the bucket is %+v", a)
	}
	_, err = b.If(storage.BucketConditions{MetagenerationMatch: 1}).Update(c.ctx, u)
	c.refused(err, 412, "conditionNotMet")

	c.refused(b.Create(c.ctx, project, nil), 409, "conflict")
	c.refused(c.client("other").Bucket("acme-backups").Create(c.ctx, "other", nil), 409, "conflict")
	c.refused(c.client("other").Bucket("acme-x").Create(c.ctx, project, nil), 403, "forbidden")
	c.refused(c.client("reader").Bucket("acme-x").Create(c.ctx, project, nil), 403, "forbidden")
	c.refused(c.client("nobody").Bucket("acme-x").Create(c.ctx, project, nil), 401, "authError")
	_, err = c.client("other").Bucket("acme-backups").Attrs(c.ctx)
	c.refused(err, 403, "forbidden")
	_, err = c.client("").Bucket("acme-backups").Attrs(c.ctx)
	c.refused(err, 401, "required")
	c.bucket("acme-other", storage.BucketAttrs{})
	it := c.client("owner").Buckets(c.ctx, project)
	it.Prefix = "acme-o"
	if first, err := it.Next(); err != nil || first.Name != "acme-other" {
		t.Errorf("the list begins with %v, %v", first, err)
	}
	if _, err := it.Next(); err != iterator.Done {
		t.Errorf("the list has no end: %v", err)
	}
	if a, err := c.client("owner").Bucket("acme-other").Attrs(c.ctx); err != nil || a.SoftDeletePolicy.RetentionDuration != 7*day {
		t.Errorf("soft deletion by default: %+v, %v", a.SoftDeletePolicy, err)
	}
	c.mustPut(b.Object("k"), "x")
	c.refused(b.Delete(c.ctx), 409, "conflict")
	c.ok(c.client("owner").Bucket("acme-other").Delete(c.ctx))
	_, err = c.client("owner").Bucket("acme-other").Attrs(c.ctx)
	if err == nil || !strings.Contains(err.Error(), "bucket doesn't exist") {
		t.Errorf("a deleted bucket: %v", err)
	}
}

func TestBucketsThatAreRefused(t *testing.T) {
	c := newCloud(t)
	for name, test := range map[string]struct {
		body   map[string]any
		status int
	}{
		"name":                {map[string]any{"name": "Acme"}, 400},
		"location":            {map[string]any{"name": "acme-1", "location": "moon"}, 400},
		"class":               {map[string]any{"name": "acme-1", "storageClass": "COSY"}, 400},
		"label":               {map[string]any{"name": "acme-1", "labels": map[string]string{"Upper": "x"}}, 400},
		"retention":           {map[string]any{"name": "acme-1", "retentionPolicy": map[string]any{"retentionPeriod": "0"}}, 400},
		"too long retention":  {map[string]any{"name": "acme-1", "retentionPolicy": map[string]any{"retentionPeriod": "3155760001"}}, 400},
		"short soft deletion": {map[string]any{"name": "acme-1", "softDeletePolicy": map[string]any{"retentionDurationSeconds": "60"}}, 400},
		"key":                 {map[string]any{"name": "acme-1", "encryption": map[string]any{"defaultKmsKeyName": "mine"}}, 400},
		"prevention":          {map[string]any{"name": "acme-1", "iamConfiguration": map[string]any{"publicAccessPrevention": "maybe"}}, 400},
		"rule":                {map[string]any{"name": "acme-1", "lifecycle": map[string]any{"rule": []any{map[string]any{"action": map[string]any{"type": "Delete"}}}}}, 400},
		"other class by rule": {map[string]any{"name": "acme-1", "lifecycle": map[string]any{"rule": []any{map[string]any{"action": map[string]any{"type": "SetStorageClass", "storageClass": "COLDLINE"}, "condition": map[string]any{"age": 1}}}}}, 501},
		"requester pays":      {map[string]any{"name": "acme-1", "billing": map[string]any{"requesterPays": true}}, 501},
		"autoclass":           {map[string]any{"name": "acme-1", "autoclass": map[string]any{"enabled": true}}, 501},
	} {
		t.Run(name, func(t *testing.T) {
			if status, out := c.raw("POST", "/storage/v1/b?project="+project, "owner", test.body); status != test.status {
				t.Errorf("%d %v", status, out)
			}
		})
	}
	if status, _ := c.raw("POST", "/storage/v1/b", "owner", map[string]any{"name": "acme-1"}); status != 400 {
		t.Errorf("without a project: %d", status)
	}
	for path, want := range map[string]int{"/storage/v1/nonsense": 404, "/storage/v1/b/acme-1/acl": 404} {
		if status, _ := c.raw("GET", path, "owner", nil); status != want {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	if status, _ := c.raw(http.MethodPatch, "/storage/v1/b", "owner", nil); status != 405 {
		t.Errorf("a wrong method: %d", status)
	}
}

// TestBucketLock locks a retention policy, which nothing takes back.
func TestBucketLock(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-immutable", storage.BucketAttrs{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: 30 * day},
		SoftDeletePolicy: &storage.SoftDeletePolicy{}})
	shorter := storage.BucketAttrsToUpdate{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: 20 * day}}
	_, err := b.Update(c.ctx, shorter)
	c.ok(err)
	if status, _ := c.raw("POST", "/storage/v1/b/acme-immutable/lockRetentionPolicy", "owner", nil); status != 400 {
		t.Errorf("a lock without ifMetagenerationMatch: %d", status)
	}
	c.refused(b.If(storage.BucketConditions{MetagenerationMatch: 1}).LockRetentionPolicy(c.ctx), 412, "conditionNotMet")
	c.ok(b.If(storage.BucketConditions{MetagenerationMatch: 2}).LockRetentionPolicy(c.ctx))
	c.refused(b.If(storage.BucketConditions{MetagenerationMatch: 3}).LockRetentionPolicy(c.ctx), 400, "")
	a, err := b.Attrs(c.ctx)
	c.ok(err)
	if !a.RetentionPolicy.IsLocked {
		t.Error("it is not locked")
	}
	shorter.RetentionPolicy.RetentionPeriod = 10 * day
	_, err = b.Update(c.ctx, shorter)
	c.refused(err, 403, "forbidden")
	_, err = b.Update(c.ctx, storage.BucketAttrsToUpdate{RetentionPolicy: &storage.RetentionPolicy{}})
	c.refused(err, 403, "forbidden")
	if status, _ := c.raw("PUT", "/storage/v1/b/acme-immutable", "owner", map[string]any{"labels": map[string]string{}}); status != 403 {
		t.Errorf("an update that leaves it out: %d", status)
	}
	shorter.RetentionPolicy.RetentionPeriod = 25 * day
	_, err = b.Update(c.ctx, shorter)
	c.ok(err)

	o := b.Object("snapshots/1")
	g := c.mustPut(o, "precious")
	message := c.refused(o.Delete(c.ctx), 403, "retentionPolicyNotMet")
	if want := "Object 'acme-immutable/snapshots/1' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until 2026-11-27T12:00:00Z"; message != want {
		t.Errorf("the refusal says %q, want %q", message, want)
	}
	c.refused(o.Generation(g).Delete(c.ctx), 403, "retentionPolicyNotMet")
	_, err = c.put(o, "overwritten")
	c.refused(err, 403, "retentionPolicyNotMet")
	_, err = o.CopierFrom(b.Object("snapshots/1")).Run(c.ctx)
	c.refused(err, 403, "retentionPolicyNotMet")
	c.refused(o.If(storage.Conditions{GenerationMatch: g + 1}).Delete(c.ctx), 412, "conditionNotMet") // comes first
	if status, out := c.raw("DELETE", "/storage/v1/b/acme-immutable/o/snapshots%2F1", "owner", nil); status != 403 {
		t.Errorf("raw: %d %v", status, out)
	}
	c.advance(25*day - time.Second)
	c.refused(o.Delete(c.ctx), 403, "retentionPolicyNotMet")
	if got := c.text(o); got != "precious" {
		t.Errorf("the object is %q", got)
	}
	c.advance(time.Second)
	c.ok(o.Delete(c.ctx))
	c.ok(b.Delete(c.ctx))
}

func TestPolicies(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-backups", storage.BucketAttrs{UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true},
		SoftDeletePolicy: &storage.SoftDeletePolicy{}})
	c.mustPut(b.Object("tenants/ada/1"), "ada's")
	c.mustPut(b.Object("tenants/bob/1"), "bob's")
	guest := c.client("guest").Bucket("acme-backups")
	c.refused(guest.Object("tenants/ada/1").Delete(c.ctx), 403, "forbidden")

	p, err := b.IAM().V3().Policy(c.ctx)
	c.ok(err)
	if len(p.Bindings) != 4 {
		t.Errorf("a new bucket's policy has %d bindings", len(p.Bindings))
	}
	const member = "serviceAccount:guest@acme-prod.iam.gserviceaccount.com"
	own := &expr.Expr{Title: "own prefix", Expression: `resource.name.startsWith("projects/_/buckets/acme-backups/objects/tenants/ada/")`}
	list := &expr.Expr{Title: "own list", Expression: `resource.type == "storage.googleapis.com/Bucket" && api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("tenants/ada/")`}
	for role, e := range map[string]*expr.Expr{"roles/storage.objectCreator": own, "roles/storage.objectViewer": own, "roles/storage.legacyBucketReader": list} {
		p.Bindings = append(p.Bindings, binding(role, member, e))
	}
	c.ok(b.IAM().V3().SetPolicy(c.ctx, p))
	if err := b.IAM().V3().SetPolicy(c.ctx, p); err == nil {
		t.Error("an old policy took the place of a new one")
	} else {
		c.refused(err, 412, "conditionNotMet")
	}

	if got := c.text(guest.Object("tenants/ada/1")); got != "ada's" {
		t.Errorf("the own object is %q", got)
	}
	c.mustPut(guest.Object("tenants/ada/2"), "new")
	_, err = c.put(guest.Object("tenants/ada/2"), "again")
	c.refused(err, 403, "forbidden") // to overwrite takes the right to delete
	c.refused(guest.Object("tenants/ada/2").Delete(c.ctx), 403, "forbidden")
	_, err = c.put(guest.Object("tenants/bob/2"), "x")
	c.refused(err, 403, "forbidden")
	_, err = guest.Object("tenants/bob/1").Attrs(c.ctx)
	c.refused(err, 403, "forbidden")
	count := func(prefix string) (n int, err error) {
		it := guest.Objects(c.ctx, &storage.Query{Prefix: prefix})
		for {
			if _, err := it.Next(); err == iterator.Done {
				return n, nil
			} else if err != nil {
				return n, err
			}
			n++
		}
	}
	if n, err := count("tenants/ada/"); n != 2 || err != nil {
		t.Errorf("the own prefix has %d, %v", n, err)
	}
	_, err = count("tenants/")
	c.refused(err, 403, "forbidden")
	held, err := guest.IAM().TestPermissions(c.ctx, []string{"storage.buckets.get", "storage.objects.delete"})
	if err != nil || len(held) != 0 {
		t.Errorf("a guest holds %v, %v", held, err)
	}
	if held, err = b.IAM().TestPermissions(c.ctx, []string{"storage.buckets.get", "storage.objects.delete"}); err != nil || len(held) != 2 {
		t.Errorf("the owner holds %v, %v", held, err)
	}
}

func binding(role, member string, e *expr.Expr) *iampb.Binding {
	return &iampb.Binding{Role: role, Members: []string{member}, Condition: e}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	c := newCloud(t)
	c.bucket("acme-uniform", storage.BucketAttrs{UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true},
		PublicAccessPrevention: storage.PublicAccessPreventionEnforced})
	c.bucket("acme-plain", storage.BucketAttrs{})
	set := func(bucket string, version int, b map[string]any) int {
		status, _ := c.raw("PUT", "/storage/v1/b/"+bucket+"/iam", "owner", map[string]any{"version": version, "bindings": []any{b}})
		return status
	}
	member := []string{"user:ada@example.com"}
	conditional := func(e string) map[string]any {
		return map[string]any{"role": "roles/storage.objectViewer", "members": member, "condition": map[string]any{"title": "t", "expression": e}}
	}
	for name, test := range map[string]struct {
		got, want int
	}{
		"public under prevention": {set("acme-uniform", 1, map[string]any{"role": "roles/storage.objectViewer", "members": []string{"allUsers"}}), 412},
		"public":                  {set("acme-plain", 1, map[string]any{"role": "roles/storage.objectViewer", "members": []string{"allUsers"}}), 200},
		"unknown role":            {set("acme-plain", 1, map[string]any{"role": "roles/owner", "members": member}), 400},
		"no member":               {set("acme-plain", 1, map[string]any{"role": "roles/storage.objectViewer", "members": []string{"ada"}}), 400},
		"condition, not uniform":  {set("acme-plain", 3, conditional(`resource.name == "x"`)), 412},
		"condition, version 1":    {set("acme-uniform", 1, conditional(`resource.name == "x"`)), 400},
		"condition":               {set("acme-uniform", 3, conditional(`!(resource.name.startsWith('a') || resource.name.endsWith("b")) && request.time < timestamp("2027-01-01T00:00:00Z")`)), 200},
		"unknown condition":       {set("acme-uniform", 3, conditional(`resource.name.matches("x")`)), 400},
		"half a condition":        {set("acme-uniform", 3, conditional(`resource.name == "x" &&`)), 400},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d, want %d", name, test.got, test.want)
		}
	}
	c.mustPut(c.client("owner").Bucket("acme-plain").Object("k"), "x")
	if got := c.text(c.client("").Bucket("acme-plain").Object("k")); got != "x" {
		t.Errorf("nobody reads %q of a public bucket", got)
	}
	_, err := c.client("owner").Bucket("acme-plain").Update(c.ctx, storage.BucketAttrsToUpdate{PublicAccessPrevention: storage.PublicAccessPreventionEnforced})
	c.ok(err)
	_, err = c.client("").Bucket("acme-plain").Object("k").Attrs(c.ctx)
	c.refused(err, 401, "required")
}

// TestAPolicyHoldsSoManyPrincipals counts each as often as it occurs.
func TestAPolicyHoldsSoManyPrincipals(t *testing.T) {
	c := newCloud(t)
	c.bucket("acme-crowded", storage.BucketAttrs{})
	var members []string
	for i := range 750 {
		members = append(members, fmt.Sprintf("user:u%d@example.com", i))
	}
	bindings := []any{map[string]any{"role": "roles/storage.objectViewer", "members": members}, map[string]any{"role": "roles/storage.objectCreator", "members": members}}
	if status, body := c.raw("PUT", "/storage/v1/b/acme-crowded/iam", "owner", map[string]any{"bindings": bindings}); status != 200 {
		t.Errorf("1,500: %d %v", status, body)
	}
	bindings = append(bindings, map[string]any{"role": "roles/storage.bucketViewer", "members": members[:1]})
	if status, body := c.raw("PUT", "/storage/v1/b/acme-crowded/iam", "owner", map[string]any{"bindings": bindings}); status != 400 {
		t.Errorf("1,501: %d %v", status, body)
	}
}
