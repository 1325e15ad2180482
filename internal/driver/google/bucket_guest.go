package google

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Guest is a machine's access to its own part of a bucket.
type Guest struct {
	// ServiceAccount is the address of the machine's service account.
	ServiceAccount string
	// Prefix is the part of the bucket: every name of the machine's objects
	// begins with it, and it ends with a slash.
	Prefix string
	// Locks is the part of Prefix in which restic keeps its locks
	// ("tenant/locks/"), if the machine may remove them: what it removes there
	// becomes a version that is not current. Empty: it removes nothing, restic
	// says so after each backup, and somebody else clears the locks.
	Locks string
}

// IAMBinding is a binding of a bucket's IAM policy of version 3, as the API
// takes it.
type IAMBinding struct {
	Role      string        `json:"role"`
	Members   []string      `json:"members"`
	Condition *IAMCondition `json:"condition,omitempty"`
}

// IAMCondition says when a binding holds, in the Common Expression Language.
type IAMCondition struct {
	Title      string `json:"title"`
	Expression string `json:"expression"`
}

var (
	serviceAccountAddress = regexp.MustCompile(`^[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com$`)
	guestPrefix           = regexp.MustCompile(`^([a-z0-9][a-z0-9._-]*/)+$`)
)

// GuestBindings are the bindings by which a machine's service account writes,
// lists and reads in its own prefix (restic reads back its configuration and
// index), and deletes and overwrites nothing: they are to be added to the
// bucket's policy. Conditions need uniform bucket-level access, which every
// bucket of this driver has.
//
// What the vendor cannot do: the role that reads objects also lists them, so
// that both need one condition; to remove a lock takes a role that may also
// overwrite, in the part of the locks; and nothing here takes away what the
// account was granted on the project, so it should have no role there.
func GuestBindings(bucket string, guest Guest) ([]IAMBinding, error) {
	bad := func(field, message string) error {
		return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "write a guest's policy", Field: field, Message: message}
	}
	switch {
	case !serviceAccountAddress.MatchString(guest.ServiceAccount):
		return nil, bad("service_account", fmt.Sprintf("%q is not the address of a service account", guest.ServiceAccount))
	case !guestPrefix.MatchString(guest.Prefix):
		return nil, bad("prefix", fmt.Sprintf("%q is not a prefix: lower case letters, digits, '.', '_' and '-', with a slash at its end", guest.Prefix))
	case guest.Locks != "" && (!guestPrefix.MatchString(guest.Locks) || !strings.HasPrefix(guest.Locks, guest.Prefix) || guest.Locks == guest.Prefix):
		return nil, bad("locks", fmt.Sprintf("%q is not a part of %q", guest.Locks, guest.Prefix))
	}
	who := []string{"serviceAccount:" + guest.ServiceAccount}
	within := func(prefix string) string {
		return fmt.Sprintf("resource.name.startsWith(%q)", "projects/_/buckets/"+bucket+"/objects/"+prefix)
	}
	listing := fmt.Sprintf("api.getAttribute(%q, %q).startsWith(%q)", "storage.googleapis.com/objectListPrefix", "", guest.Prefix)
	bindings := []IAMBinding{
		{Role: "roles/storage.objectCreator", Members: who, Condition: &IAMCondition{Title: "writes its own", Expression: within(guest.Prefix)}},
		{Role: "roles/storage.objectViewer", Members: who, Condition: &IAMCondition{Title: "reads and lists its own", Expression: within(guest.Prefix) + " || " + listing}},
	}
	if guest.Locks != "" {
		bindings = append(bindings, IAMBinding{Role: "roles/storage.objectUser", Members: who,
			Condition: &IAMCondition{Title: "removes its locks", Expression: within(guest.Locks)}})
	}
	return bindings, nil
}
