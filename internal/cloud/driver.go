package cloud

import "context"

// Store is what a driver offers for one noun: S is what is wanted, T what
// was observed.
//
// All methods are safe for concurrent use, obey the context, and answer
// with *Error.
type Store[S, T any] interface {
	// Create makes the object, waits until it is ready, and returns it. It
	// is idempotent: if an object with the spec's Key exists already (an
	// earlier answer was lost, a run was killed), it is adopted and brought
	// to the spec. An object of another deployment, or of none, is never
	// touched: CodeNameTaken. One that cannot become what the spec wants, or
	// that holds or reaches another tenant's data (VMs, volumes, networks), is
	// left as it is: CodeUnsupported.
	//
	// saved is called as soon as the id is known and before anything is
	// waited for, so that the caller can record it; it may be called again
	// with better knowledge. After it was called, an error means that the
	// object exists but is not as the spec wants it: CodeOperationFailed if
	// it came to nothing, CodeUnfinished if something that belongs to it did.
	Create(ctx context.Context, spec S, saved func(T)) (T, error)
	// Get reads one object by its native id; CodeNotFound if there is none.
	Get(ctx context.Context, native string) (T, error)
	// List reads all objects that the filter selects, in as few requests as
	// the vendor allows.
	List(ctx context.Context, filter Filter) ([]T, error)
	// Update brings an object from what was last observed to what is wanted,
	// with only the requests that the difference needs, and waits. Fields
	// that cannot change in place are the caller's business: Update answers
	// CodeUnsupported for them.
	Update(ctx context.Context, current T, want S) (T, error)
	// Delete removes the object and waits until it is gone. An object that
	// does not exist any more is a success.
	Delete(ctx context.Context, native string) error
}

// Filter selects objects; its zero value selects all that the credentials
// can see.
type Filter struct {
	// Deployment selects the objects that this deployment owns.
	Deployment string
	// Keys selects the objects with one of these Keys (see Key): one request
	// for up to MaxFilterKeys objects, however many the account holds.
	Keys []string
	// Labels selects objects that carry all these labels.
	Labels map[string]string
}

// MaxFilterKeys bounds Filter.Keys: a page of Hetzner Cloud's lists holds 50
// objects, and 50 keys of 32 characters stay below 2 KiB of a URL, far from
// the 8 KiB that HTTP servers accept.
const MaxFilterKeys = 50

// Identified is any observed object.
type Identified interface{ Identity() ID }

// The nouns.
type (
	SSHKeys   = Store[SSHKeySpec, SSHKey]
	Networks  = Store[NetworkSpec, Network]
	Firewalls = Store[FirewallSpec, Firewall]
	Volumes   = Store[VolumeSpec, Volume]
	VMs       = Store[VMSpec, VM]
)

// Driver is one cloud behind the neutral interfaces. Making one contacts
// nobody.
type Driver interface {
	// Cloud is the first part of this driver's locations: "hetzner".
	Cloud() string
	Capabilities() Capabilities
	SSHKeys() SSHKeys
	Networks() Networks
	Firewalls() Firewalls
	Volumes() Volumes
	VMs() VMs
	// ServerTypes lists what can be ordered in a location, with prices.
	ServerTypes(ctx context.Context, location Location) ([]ServerType, error)
}

// Capabilities says where vendors differ, so that callers need not know them
// by name.
type Capabilities struct {
	// Global holds the kinds of which the vendor keeps one for all its
	// locations, so that a stand-by location shares it.
	Global map[Kind]bool
	// Protectable holds the kinds for which the vendor itself refuses a
	// delete while the protection is on.
	Protectable map[Kind]bool
	// MinVolumeGB and MaxVolumeGB bound a volume's size, in GB as the vendor
	// counts them.
	MinVolumeGB, MaxVolumeGB int64
	// MaxUserDataBytes bounds a VM's user data.
	MaxUserDataBytes int
	// Replaces names, by kind, the attributes (in the words of the Terraform
	// schema, such as "network_id") that some vendors change in place and this
	// one does not: changing them replaces the object.
	Replaces map[Kind][]string
	// Loose names, by kind, the attributes that whoever has access to the
	// account can change without making another object of it, although the
	// configuration cannot: those that the vendor keeps in labels, and settings
	// that the owner may weaken. Besides them, names and tenants are loose
	// everywhere. What was last declared decides whether the configuration
	// replaces the object, not what was observed.
	Loose map[Kind][]string
}

// Operation is asynchronous work that a vendor has begun.
type Operation struct {
	// ID is the vendor's identifier of the operation.
	ID string
	// Command is the vendor's word for the work ("create_server"). The
	// waiter learns from it how long such work takes.
	Command string
}

// OperationStatus is what a poll found. Err is set if the operation failed.
type OperationStatus struct {
	ID   string
	Done bool
	// Progress is a percentage, 0 to 100.
	Progress int
	Err      error
}

// OperationPoller asks the vendor about many operations in one request.
type OperationPoller interface {
	// PollOperations answers for all ids that the vendor still knows, in as
	// few requests as it takes: one as a rule, one more where the vendor
	// tells of some operations elsewhere. len(ids) is at most
	// MaxOperationsPerPoll.
	PollOperations(ctx context.Context, ids []string) ([]OperationStatus, error)
	MaxOperationsPerPoll() int
}

// Waiter waits for operations of many callers with shared polls. The
// operations of one call are given in the order in which the vendor runs
// them. Wait returns the first failure, or the context's error.
type Waiter interface {
	Wait(ctx context.Context, operations ...Operation) error
}
