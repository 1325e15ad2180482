package orphans

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// parallelRemovals is how many objects are deleted at once: enough to have the
// vendor work in parallel, few enough to stop soon when asked to.
const parallelRemovals = 20

// Outcome is what became of one orphan.
type Outcome struct {
	Orphan
	// Kept says why it was not deleted; empty if it was.
	Kept string
	// Err is why deleting it failed; Kept tells it too.
	Err error
}

// RemoveOptions say how far a removal goes.
type RemoveOptions struct {
	// Protected takes the vendor's deletion protection off; without it what is
	// protected is kept.
	Protected bool
	// Done, if set, hears of each outcome, one at a time.
	Done func(Outcome)
}

// Remove deletes orphans that Find gave: VMs first, then what they used. What
// a VM that stays still uses is kept, whoever's VM it is: vendors detach a
// volume, or delete a network, without asking. Buckets that are immutable or
// hold anything are kept. One failure does not stop the others. The outcomes are in the order of the orphans.
func Remove(ctx context.Context, clouds service.Clouds, orphans []Orphan, options RemoveOptions) []Outcome {
	outcomes := make([]Outcome, len(orphans))
	var mu sync.Mutex
	settle := func(i int, kept string, err error) {
		mu.Lock()
		defer mu.Unlock()
		outcomes[i] = Outcome{Orphan: orphans[i], Kept: kept, Err: err}
		if options.Done != nil {
			options.Done(outcomes[i])
		}
	}
	for _, kind := range kinds() {
		uses := map[string]users{}
		var group sync.WaitGroup
		slots := make(chan struct{}, parallelRemovals)
		for i, orphan := range orphans {
			if orphan.Kind != kind.name() {
				continue
			}
			if ctx.Err() != nil {
				settle(i, "interrupted", ctx.Err())
				continue
			}
			if orphan.Protected && !options.Protected {
				settle(i, "it is protected", nil)
				continue
			}
			of, ok := uses[orphan.ID.Location.Cloud]
			if !ok {
				of = usersIn(ctx, clouds, orphan.ID.Location.Cloud, kind.name())
				uses[orphan.ID.Location.Cloud] = of
			}
			if why, err := of.refuse(orphan); why != "" {
				settle(i, why, err)
				continue
			}
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots }()
				err := removeOne(ctx, orphan)
				if why, kept := refused(err); kept {
					settle(i, why, nil)
				} else if err != nil {
					settle(i, err.Error(), err)
				} else {
					settle(i, "", nil)
				}
			})
		}
		group.Wait()
	}
	return outcomes
}

func removeOne(ctx context.Context, orphan Orphan) error {
	if orphan.Protected {
		if err := orphan.unprotect(ctx); err != nil && !cloud.IsNotFound(err) {
			return fmt.Errorf("its protection could not be taken off: %w", err)
		}
	}
	if err := orphan.remove(ctx); err != nil && !cloud.IsNotFound(err) {
		return err
	}
	return nil
}

// users are the VMs of an account, of all deployments and of none.
type users struct {
	vms []cloud.VM
	err error
}

// usersIn lists the VMs that may use objects of the kind.
func usersIn(ctx context.Context, clouds service.Clouds, name string, kind cloud.Kind) users {
	if kind == cloud.KindVM || kind == cloud.KindSSHKey || kind == cloud.KindBucket {
		return users{} // nothing depends on these
	}
	driver, err := clouds.Driver(name)
	if err != nil {
		return users{err: err}
	}
	vms, err := driver.VMs().List(ctx, cloud.Filter{})
	return users{vms: vms, err: err}
}

// refuse says why an orphan has to stay for its users' sake; empty if it has
// not.
func (u users) refuse(orphan Orphan) (string, error) {
	if u.err != nil {
		return "it could not be found out whether a VM uses it: " + u.err.Error(), u.err
	}
	var names []string
	for _, vm := range u.vms {
		var uses bool
		switch orphan.Kind {
		case cloud.KindVolume:
			uses = vm.Location == orphan.ID.Location && slices.Contains(vm.Volumes, orphan.ID.Native)
		case cloud.KindFirewall:
			uses = slices.Contains(vm.Firewalls, orphan.ID.Native)
		case cloud.KindNetwork:
			uses = vm.Network == orphan.ID.Native
		case cloud.KindImage:
			uses = vm.Image == orphan.ID.Native
		}
		if uses {
			names = append(names, fmt.Sprintf("%s (%s)", vm.NativeName, cloud.ID{Location: vm.Location, Native: vm.ID.Native}))
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	return "it is in use by the VM " + strings.Join(names, " and "), nil
}

// Failed joins the errors of the outcomes, each with its object.
func Failed(outcomes []Outcome) error {
	var errs []error
	for _, o := range outcomes {
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", o.Orphan, o.Err))
		}
	}
	return errors.Join(errs...)
}
