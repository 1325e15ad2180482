package cloud

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// BucketGuest is a tenant's machine that writes its backups into a bucket with
// credentials of its own. It writes, lists and reads below GuestPrefix, and can
// neither destroy nor change anything there, nor reach anything else.
type BucketGuest struct {
	Tenant string
	// Principal is whom the vendor knows by the machine's credentials, the
	// public part only: a driver says in which form.
	Principal string
	// ClearsLocks lets the machine remove the locks that restic leaves in its
	// repository (GuestLocks). Without, somebody else has to.
	ClearsLocks bool
}

// The parts of a guest's prefix that are told apart.
const (
	// GuestLocks is where restic keeps the locks of a tenant's repository.
	GuestLocks = "restic/locks/"
	// GuestStatus is where a machine writes what it reports of itself, over
	// what it reported before.
	GuestStatus = "status/"
)

// GuestPrefix is the part of a bucket that is a tenant's.
func GuestPrefix(deployment, tenant string) string { return deployment + "/" + tenant + "/" }

// SortGuests puts guests in the order in which specs and observations have them.
func SortGuests(guests []BucketGuest) []BucketGuest {
	slices.SortFunc(guests, func(a, b BucketGuest) int { return cmp.Compare(a.Tenant, b.Tenant) })
	return guests
}

// LabelGuests carries the number of a bucket's guests, where it has any: whoever
// reads the bucket knows that there is something to read.
const LabelGuests = "holdfast-guests"

func guestLabel(labels map[string]string, guests []BucketGuest) {
	if len(guests) > 0 {
		labels[LabelGuests] = strconv.Itoa(len(guests))
	}
}

// CheckGuests refuses guests that would share what is one tenant's. A principal
// that is empty is one that is not known yet.
func CheckGuests(cloud string, spec BucketSpec) error {
	bad := func(message, remedy string) error {
		return &Error{Code: CodeInvalid, Cloud: cloud, Kind: KindBucket, Doing: "let guests into", Field: "guests", Message: message, Remedy: remedy}
	}
	tenants, principals := map[string]bool{}, map[string]string{}
	for _, guest := range spec.Guests {
		if err := CheckName(guest.Tenant); err != nil {
			return bad(err.Error(), "The keys of guests are tenants' names.")
		}
		if err := CheckName(spec.Deployment); err != nil {
			return bad("the bucket is no deployment's, so it has no part for a tenant: "+err.Error(), "")
		}
		if tenants[guest.Tenant] {
			return bad(fmt.Sprintf("the tenant %q is there twice", guest.Tenant), "")
		}
		if other, taken := principals[guest.Principal]; taken && guest.Principal != "" {
			return bad(fmt.Sprintf("the tenants %q and %q have the same principal: each would reach what is the other's", other, guest.Tenant),
				"Give each tenant credentials of its own.")
		}
		tenants[guest.Tenant], principals[guest.Principal] = true, guest.Tenant
	}
	return nil
}

// checkGuests is CheckGuests when everything is known.
func checkGuests(cloud string, spec BucketSpec) error {
	for _, guest := range spec.Guests {
		if guest.Principal == "" {
			return &Error{Code: CodeInvalid, Cloud: cloud, Kind: KindBucket, Doing: "let guests into", Field: "guests",
				Message: fmt.Sprintf("the tenant %q has no principal", guest.Tenant)}
		}
	}
	return CheckGuests(cloud, spec)
}

// GuestsTooMany is the refusal of more guests than a bucket takes: n were asked
// for, of which fit are possible, because of what the limit says.
func GuestsTooMany(cloud, bucket string, n, fit int, limit string) error {
	return &Error{Code: CodeInvalid, Cloud: cloud, Kind: KindBucket, ID: bucket, Doing: "let guests into", Field: "guests",
		Message: fmt.Sprintf("%d guests are too many for one bucket: %s, in which %d of them fit", n, limit, fit),
		Remedy:  fmt.Sprintf("Spread the tenants over more buckets, with at most %d guests each.", fit)}
}
