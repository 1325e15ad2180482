package google

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/genproto/googleapis/type/expr"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	// maxConditionalBindings is what the vendor asks not to exceed in one policy
	// (IAM, "Overview of IAM Conditions").
	maxConditionalBindings = 100
	// bindingsOfGuest is how many of them a guest takes.
	bindingsOfGuest = 3
)

// serviceAccountAddress is that of a service account somebody made; those of the
// vendor's own agents have other domains and are nobody's machine.
var serviceAccountAddress = regexp.MustCompile(`^[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com$`)

// guestTitle begins the titles of guests' conditions, which are the only mark that
// a binding has room for. The tenant and what is granted follow.
const guestTitle = "holdfast guest "

func guestMember(guest cloud.BucketGuest) string { return "serviceAccount:" + guest.Principal }

// guestBindings are the bindings by which a guest's service account writes, lists
// and reads below its prefix (restic reads back its configuration and index), and
// deletes and overwrites nothing there but its status, and its locks if it may.
// Conditions need uniform bucket-level access, which every bucket of this driver
// has.
//
// What the vendor cannot do: to overwrite an object takes the permission to delete
// it, with all its versions; the role that reads objects also lists them, so that
// both need one condition; and nothing here takes away what the account was
// granted on the project, so it should have no role there.
func guestBindings(bucket, deployment string, guest cloud.BucketGuest) []*iampb.Binding {
	prefix := cloud.GuestPrefix(deployment, guest.Tenant)
	within := func(prefix string) string {
		return fmt.Sprintf("resource.name.startsWith(%q)", "projects/_/buckets/"+bucket+"/objects/"+prefix)
	}
	listing := fmt.Sprintf("api.getAttribute(%q, %q).startsWith(%q)", "storage.googleapis.com/objectListPrefix", "", prefix)
	rewrites := within(prefix + cloud.GuestStatus)
	if guest.ClearsLocks {
		rewrites += " || " + within(prefix+cloud.GuestLocks)
	}
	binding := func(role, does, expression string) *iampb.Binding {
		return &iampb.Binding{Role: "roles/storage." + role, Members: []string{guestMember(guest)},
			Condition: &expr.Expr{Title: guestTitle + guest.Tenant + " " + does, Expression: expression}}
	}
	return []*iampb.Binding{
		binding("objectCreator", "writes", within(prefix)),
		binding("objectViewer", "reads", within(prefix)+" || "+listing),
		binding("objectUser", "rewrites", rewrites),
	}
}

// CheckGuests implements cloud.Buckets. How much of the policy is others' is only
// known when it is set.
func (b *buckets) CheckGuests(spec cloud.BucketSpec) error {
	bucket := bucketName(spec.Meta)
	for _, guest := range spec.Guests {
		if guest.Principal != "" && !serviceAccountAddress.MatchString(guest.Principal) {
			return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "let guests into",
				Field: fmt.Sprintf("guests[%q].principal", guest.Tenant), Message: fmt.Sprintf("%q is not the address of a service account", guest.Principal),
				Remedy: "Write it like acme@my-project.iam.gserviceaccount.com, in lower case."}
		}
	}
	if err := cloud.CheckGuests(Name, spec); err != nil {
		return err
	}
	return checkPolicyRoom(bucket, spec, nil)
}

// checkPolicyRoom refuses guests whose bindings do not fit beside others'. The
// vendor's other limit, 1,500 occurrences of principals in a policy, is further
// away: guests' take 100 at most.
func checkPolicyRoom(bucket string, spec cloud.BucketSpec, others []*iampb.Binding) error {
	conditional := 0
	for _, binding := range others {
		if binding.Condition != nil {
			conditional++
		}
	}
	fit := max(0, maxConditionalBindings-conditional) / bindingsOfGuest
	if n := len(spec.Guests); n > fit {
		return cloud.GuestsTooMany(Name, bucket, n, fit,
			fmt.Sprintf("each takes %d conditional bindings of the bucket's policy, which should have no more than %d", bindingsOfGuest, maxConditionalBindings-conditional))
	}
	return nil
}

// guestFacts are what a policy says of guests.
type guestFacts struct {
	// guests are those to whom exactly theirs is granted.
	guests []cloud.BucketGuest
	// intact tells that nothing else is granted under the guests' mark, and
	// nothing beside it to any of them.
	intact bool
	// others are the bindings without the guests' mark.
	others []*iampb.Binding
}

// judgeGuests reads the guests of a bucket of this deployment out of its policy.
func judgeGuests(bucket, deployment string, policy []*iampb.Binding) guestFacts {
	var (
		facts  guestFacts
		marked []*iampb.Binding
	)
	for _, binding := range policy {
		if strings.HasPrefix(binding.GetCondition().GetTitle(), guestTitle) {
			marked = append(marked, binding)
		} else {
			facts.others = append(facts.others, binding)
		}
	}
	granted := 0
	for _, binding := range marked {
		tenant, first := strings.CutSuffix(strings.TrimPrefix(binding.Condition.Title, guestTitle), " writes")
		if !first || deployment == "" || len(binding.Members) != 1 {
			continue
		}
		guest := cloud.BucketGuest{Tenant: tenant, Principal: strings.TrimPrefix(binding.Members[0], "serviceAccount:")}
		for _, guest.ClearsLocks = range []bool{false, true} {
			if hasAll(marked, guestBindings(bucket, deployment, guest)) {
				facts.guests = append(facts.guests, guest)
				granted += bindingsOfGuest
			}
		}
	}
	cloud.SortGuests(facts.guests)
	facts.intact = granted == len(marked) && !slices.ContainsFunc(facts.others, func(binding *iampb.Binding) bool {
		return slices.ContainsFunc(binding.Members, func(member string) bool { return isGuest(member, facts.guests) })
	})
	return facts
}

func hasAll(have, want []*iampb.Binding) bool {
	return !slices.ContainsFunc(want, func(w *iampb.Binding) bool {
		return !slices.ContainsFunc(have, func(h *iampb.Binding) bool { return proto.Equal(h, w) })
	})
}

func isGuest(member string, guests []cloud.BucketGuest) bool {
	return slices.ContainsFunc(guests, func(g cloud.BucketGuest) bool { return strings.EqualFold(member, guestMember(g)) })
}

// withoutGuests takes the guests out of others' bindings: whatever these grant
// them is more than theirs.
func withoutGuests(bindings []*iampb.Binding, guests []cloud.BucketGuest) []*iampb.Binding {
	var left []*iampb.Binding
	for _, binding := range bindings {
		kept := slices.DeleteFunc(slices.Clone(binding.Members), func(member string) bool { return isGuest(member, guests) })
		if len(kept) == 0 && len(binding.Members) > 0 {
			continue
		}
		left = append(left, &iampb.Binding{Role: binding.Role, Members: kept, Condition: binding.Condition})
	}
	return left
}
