package hetzner

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// maxPolicyBytes bounds a bucket's policy. The vendor publishes no number, and
// the Ceph gateway takes 1 MiB unless it was told otherwise
// (rgw_max_put_param_size); 20 KB is Amazon's, the only one that S3 documents
// (AmazonS3 user guide, "Bucket policies and user policies").
const maxPolicyBytes = 20 << 10

// guestPrincipal is how the vendor knows a pair of keys: the project's number
// and the public half.
var guestPrincipal = regexp.MustCompile(`^p([0-9]{1,20}):([A-Za-z0-9]{3,32})$`)

// guestSids marks the statements of guests. What follows is the statement's
// letter and, where it is one guest's, the tenant's digest: Sids may hold letters
// and digits only.
const guestSids = "HoldfastGuest"

func guestSid(letter, tenant string) string {
	sum := sha256.Sum256([]byte(tenant))
	return guestSids + letter + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}

func guestARN(principal string) string { return "arn:aws:iam:::user/" + principal }

func guestObjects(bucket, deployment, tenant string) string {
	return bucketARN(bucket) + "/" + cloud.GuestPrefix(deployment, tenant)
}

// sidReads marks the statement by which the bucket's own project reads what guests
// wrote. It stays when the last guest goes: what that wrote is still there.
const sidReads = "HoldfastOwnerReads"

// ownerReads lets the bucket's project read objects that are not its own: with the
// gateway whoever writes an object owns it, and a bucket's owner may delete it and
// not read it.
func ownerReads(bucket, owner string) policyStatement {
	return policyStatement{Sid: sidReads, Effect: "Allow", Principal: map[string][]string{"AWS": {guestARN(owner)}},
		Action: []string{"s3:GetObject", "s3:GetObjectVersion"}, Resource: []string{objectsARN(bucket)}}
}

// guestStatements are the statements by which guests write, list and read below
// their prefixes (restic reads back its configuration and index), and delete
// nothing. Each only allows: a guest's key belongs to a project that is neither the
// bucket's nor another guest's (see checkGuestProjects and CheckGuests), and may do
// nothing that is not allowed but read what its own project wrote. Nothing allows a
// version to be read or deleted, nor a setting of the bucket to be seen.
// To delete a lock hides it behind a marker: its versions stay.
func guestStatements(bucket, deployment string, guests []cloud.BucketGuest) []policyStatement {
	if len(guests) == 0 {
		return nil
	}
	var out []policyStatement
	everybody := make([]string, 0, len(guests))
	for _, guest := range guests {
		arn := guestARN(guest.Principal)
		who, objects := map[string][]string{"AWS": {arn}}, guestObjects(bucket, deployment, guest.Tenant)
		everybody = append(everybody, arn)
		out = append(out,
			policyStatement{Sid: guestSid("W", guest.Tenant), Effect: "Allow", Principal: who, Resource: []string{objects + "*"},
				Action: []string{"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"}},
			policyStatement{Sid: guestSid("L", guest.Tenant), Effect: "Allow", Principal: who, Resource: []string{bucketARN(bucket)},
				Action:    []string{"s3:ListBucket"},
				Condition: map[string]map[string][]string{"StringLike": {"s3:prefix": {cloud.GuestPrefix(deployment, guest.Tenant) + "*"}}}})
		if guest.ClearsLocks {
			out = append(out, policyStatement{Sid: guestSid("D", guest.Tenant), Effect: "Allow", Principal: who,
				Action: []string{"s3:DeleteObject"}, Resource: []string{objects + cloud.GuestLocks + "*"}})
		}
	}
	// Clients ask for the location before their first request.
	return append(out, policyStatement{Sid: guestSids + "s", Effect: "Allow", Principal: map[string][]string{"AWS": everybody},
		Action: []string{"s3:GetBucketLocation"}, Resource: []string{bucketARN(bucket)}})
}

// CheckGuests implements cloud.Buckets. No two guests have keys of one project: a
// project owns what any of its keys writes, and every other of its keys can read
// that, whatever the policy allows. How much of the policy is others' is only
// known when it is set.
func (b *buckets) CheckGuests(spec cloud.BucketSpec) error {
	bucket, projects := bucketName(spec.Meta), map[string]string{}
	bad := func(guest cloud.BucketGuest, message, remedy string) error {
		return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "let guests into",
			Field: fmt.Sprintf("guests[%q].principal", guest.Tenant), Message: message, Remedy: remedy}
	}
	for _, guest := range spec.Guests {
		parts := guestPrincipal.FindStringSubmatch(guest.Principal)
		switch {
		case guest.Principal == "": // not known yet
		case parts == nil: // not repeated: it may be the secret half
			return bad(guest, "it is not the public half of a pair of S3 keys: p<number of the project>:<access key>",
				"Write it like p1234567:ABCDEFGHIJ0123456789. The number stands in the address of the project in the Hetzner Cloud Console; the secret key belongs on the machine, and nowhere here.")
		case parts[2] == b.keys.AccessKey:
			return bad(guest, "it is the key with which Holdfast itself manages the bucket: it may do everything",
				ownProject)
		}
		if parts == nil {
			continue
		}
		if other, taken := projects[parts[1]]; taken && !slices.ContainsFunc(spec.Guests, func(g cloud.BucketGuest) bool { return g.Tenant == other && g.Principal == guest.Principal }) {
			return bad(guest, fmt.Sprintf("the key belongs to the same project as that of %q: the store gives what one of them writes to the project, and every key of it may read that", other), ownProject)
		}
		projects[parts[1]] = guest.Tenant
	}
	if err := cloud.CheckGuests(Name, spec); err != nil {
		return err
	}
	spec.Guests = slices.Clone(spec.Guests)
	for i := range spec.Guests {
		spec.Guests[i].Principal = cmp.Or(spec.Guests[i].Principal, "p00000000:XXXXXXXXXXXXXXXXXXXX")
	}
	return checkPolicySize(bucket, "p00000000", spec, nil)
}

// checkPolicySize refuses guests whose statements do not fit, beside this
// driver's own and those of others.
func checkPolicySize(bucket, owner string, spec cloud.BucketSpec, others []json.RawMessage) error {
	size := func(n int) int {
		text, err := policyText(bucket, others, append(guestStatements(bucket, spec.Deployment, spec.Guests[:n]), ownerReads(bucket, owner)))
		if err != nil {
			return maxPolicyBytes + 1
		}
		return len(text)
	}
	n := len(spec.Guests)
	if n == 0 || size(n) <= maxPolicyBytes {
		return nil
	}
	fit := sort.Search(n, func(i int) bool { return size(i+1) > maxPolicyBytes })
	return cloud.GuestsTooMany(Name, bucket, n, fit, fmt.Sprintf("the bucket's policy would have %d bytes, and S3 takes %d", size(n), maxPolicyBytes))
}

// checkGuestProjects refuses a guest whose key belongs to the bucket's own
// project, by the user that owns the bucket (p<project>). Such a key may do
// everything in every bucket of the project that has no denial for it, and make
// new ones: no policy of this bucket confines it.
func checkGuestProjects(bucket, owner string, guests []cloud.BucketGuest) error {
	for _, guest := range guests {
		project, _, _ := strings.Cut(guest.Principal, ":")
		bad := func(message, remedy string) error {
			return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "let guests into",
				Field: fmt.Sprintf("guests[%q].principal", guest.Tenant), Message: message, Remedy: remedy}
		}
		switch {
		case !ownerUser.MatchString(owner):
			return bad(fmt.Sprintf("the store calls the bucket's owner %q, and not p<number of the project>: whether the key is one of the bucket's own project, which no policy confines, cannot be told", owner), "")
		case project == owner:
			return bad(fmt.Sprintf("the key belongs to the bucket's own project %s: it may do everything in all its other buckets, whatever this one's policy says", strings.TrimPrefix(project, "p")),
				ownProject)
		}
	}
	return nil
}

const ownProject = "Make a project for each tenant, and a pair of keys in it."

var ownerUser = regexp.MustCompile(`^p[0-9]+$`)

// guestFacts are what a policy says of guests.
type guestFacts struct {
	// guests are those to whom exactly theirs is granted.
	guests []cloud.BucketGuest
	// intact tells that nothing else is granted under the guests' mark, and
	// nothing beside it to any of them.
	intact bool
}

// judgeGuests reads the guests of a bucket of this deployment out of its
// policy's statements.
func judgeGuests(bucket, owner, deployment string, statements []json.RawMessage) guestFacts {
	var facts guestFacts
	marked, others := map[string]any{}, []json.RawMessage{}
	again, reads := false, false
	for _, raw := range statements {
		sid := sidOf(raw)
		reads = reads || sid == sidReads && equal(plain(raw), plain(ownerReads(bucket, owner)))
		if !strings.HasPrefix(sid, guestSids) {
			others = append(others, raw)
			continue
		}
		again = again || marked[sid] != nil
		marked[sid] = plain(raw)
	}
	there := func(want policyStatement) bool { return equal(marked[want.Sid], plain(want)) }
	for _, raw := range statements {
		guest, ok := guestIn(bucket, deployment, raw)
		if !ok {
			continue
		}
		guest.ClearsLocks = true
		all := guestStatements(bucket, deployment, []cloud.BucketGuest{guest})
		if guest.ClearsLocks = there(all[2]); there(all[0]) && there(all[1]) {
			facts.guests = append(facts.guests, guest)
		}
	}
	cloud.SortGuests(facts.guests)
	wanted := guestStatements(bucket, deployment, facts.guests)
	facts.intact = !again && (reads || len(facts.guests) == 0) && len(wanted) == len(marked) && !slices.ContainsFunc(wanted, func(s policyStatement) bool { return !there(s) })
	for _, raw := range others {
		if _, widens := withoutGuests(raw, facts.guests); widens {
			facts.intact = false
		}
	}
	return facts
}

// guestIn reads who a guest is out of the statement that lets it work.
func guestIn(bucket, deployment string, raw json.RawMessage) (cloud.BucketGuest, bool) {
	var s struct {
		Sid       string
		Principal struct{ AWS listed }
		Resource  listed
	}
	if deployment == "" || json.Unmarshal(raw, &s) != nil || len(s.Principal.AWS) != 1 || len(s.Resource) != 1 {
		return cloud.BucketGuest{}, false
	}
	principal, ok := strings.CutPrefix(s.Principal.AWS[0], guestARN(""))
	tenant, inside := strings.CutPrefix(s.Resource[0], bucketARN(bucket)+"/"+deployment+"/")
	tenant, whole := strings.CutSuffix(tenant, "/*")
	return cloud.BucketGuest{Tenant: tenant, Principal: principal}, ok && inside && whole && s.Sid == guestSid("W", tenant)
}

// withoutGuests takes the guests out of a statement of somebody else's that
// allows them more: by their keys, or by all keys of their projects. nil is left
// where it was about nobody else.
func withoutGuests(raw json.RawMessage, guests []cloud.BucketGuest) (left json.RawMessage, widens bool) {
	var s struct {
		Effect    string
		Principal struct{ AWS listed }
	}
	if json.Unmarshal(raw, &s) != nil || s.Effect != "Allow" {
		return raw, false
	}
	theirs := func(arn string) bool {
		return slices.ContainsFunc(guests, func(g cloud.BucketGuest) bool {
			project, _, _ := strings.Cut(g.Principal, ":")
			return arn == guestARN(g.Principal) || arn == guestARN(project)
		})
	}
	kept := slices.DeleteFunc(slices.Clone(s.Principal.AWS), theirs)
	if len(kept) == len(s.Principal.AWS) {
		return raw, false
	}
	if len(kept) == 0 {
		return nil, true
	}
	var whole map[string]json.RawMessage
	if json.Unmarshal(raw, &whole) != nil {
		return raw, false
	}
	principals, err := json.Marshal(map[string]listed{"AWS": kept})
	if err != nil {
		return raw, false
	}
	whole["Principal"] = principals
	if left, err = json.Marshal(whole); err != nil {
		return raw, false
	}
	return left, true
}
