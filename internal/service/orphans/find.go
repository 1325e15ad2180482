package orphans

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// Orphan is an object of the deployment that nobody owns.
type Orphan struct {
	// ID has the location in which the object stands; of a kind that the vendor
	// keeps for all its locations, the one that it was made for.
	ID   cloud.ID
	Kind cloud.Kind
	// Name, Tenant and Tier are those of the labels.
	Name   string
	Tenant string
	Tier   cloud.Tier
	// NativeName is the vendor-side name.
	NativeName string
	// Created is zero if the vendor does not tell.
	Created time.Time
	// Protected tells whether the vendor refuses to delete it.
	Protected bool

	unprotect, remove func(context.Context) error
}

// String names the orphan: `volume "acme-data" (hetzner/fsn1/4711)`.
func (o Orphan) String() string {
	return fmt.Sprintf("%s %q (%s)", strings.ReplaceAll(string(o.Kind), "_", " "), o.Name, o.ID)
}

// Request says what to look for.
type Request struct {
	// Deployment whose objects are meant.
	Deployment string
	// Clouds are asked; it is an error if one of them cannot be. Empty means
	// all that the catalogue knows and there is access to.
	Clouds []string
	// Lost locations are left out, and clouds of which all are lost not asked.
	Lost cloud.LostSet
	// Owned are no orphans; Known, if set, tells of others.
	Owned Owned
	Known func(cloud.Kind, cloud.ID) bool
}

// Answer is what was found.
type Answer struct {
	// Orphans are sorted by location, kind and name.
	Orphans []Orphan
	// LeftOut are the lost locations, whose objects are not among them.
	LeftOut []string
	// NoAccess are the clouds that could not be asked for want of access, and
	// Refusals, in the same order, why.
	NoAccess []string
	Refusals []error
	// NoBuckets are the clouds that were asked, but not for their buckets, for
	// want of access to their object storage, and BucketRefusals, in the same
	// order, why.
	NoBuckets      []string
	BucketRefusals []error
}

// Find lists the deployment's objects, a list per kind and cloud, and gives
// those that nobody owns. An error is a *cloud.Error or the context's.
func Find(ctx context.Context, clouds service.Clouds, known *catalog.Catalog, request Request) (Answer, error) {
	if request.Deployment == "" {
		return Answer{}, errors.New("no deployment was named")
	}
	answer := Answer{Orphans: []Orphan{}, LeftOut: []string{}, NoAccess: []string{}, NoBuckets: []string{}}
	ask := request.Clouds
	if len(ask) == 0 {
		ask = known.Clouds()
	}
	for _, name := range ask {
		lost, all, err := lostOf(known, request.Lost, name)
		if err != nil {
			return Answer{}, err
		}
		answer.LeftOut = append(answer.LeftOut, lost...)
		if all {
			continue
		}
		var (
			found   []Orphan
			unasked error
		)
		driver, err := clouds.Driver(name)
		if err == nil {
			found, unasked, err = findIn(ctx, driver, request)
		}
		switch {
		case err != nil && len(request.Clouds) == 0 && missing(err):
			answer.NoAccess, answer.Refusals = append(answer.NoAccess, name), append(answer.Refusals, err)
			continue
		case err != nil:
			return Answer{}, err
		}
		answer.Orphans = append(answer.Orphans, found...)
		if unasked != nil {
			answer.NoBuckets, answer.BucketRefusals = append(answer.NoBuckets, name), append(answer.BucketRefusals, unasked)
		}
	}
	slices.SortStableFunc(answer.Orphans, func(a, b Orphan) int {
		return cmp.Or(strings.Compare(a.ID.Location.String(), b.ID.Location.String()), cmp.Compare(rank(a.Kind), rank(b.Kind)),
			strings.Compare(a.Name, b.Name), strings.Compare(a.ID.Native, b.ID.Native))
	})
	return answer, nil
}

// missing tells that there is no account, or none that lets us in, as opposed
// to one that is not known yet.
func missing(err error) bool {
	code := cloud.CodeOf(err)
	return (code == cloud.CodeUnauthorized || code == cloud.CodeUnsupported) && !errors.Is(err, service.ErrNotYetKnown)
}

// lostOf names the lost locations of a cloud, shortly where it is all of them.
func lostOf(known *catalog.Catalog, lost cloud.LostSet, name string) (texts []string, all bool, err error) {
	entries, err := known.Select(catalog.Filter{Cloud: name})
	if err != nil {
		return nil, false, err
	}
	for _, entry := range entries {
		if lost.Contains(entry.Location) {
			texts = append(texts, entry.Location.String())
		}
	}
	if len(texts) == len(entries) {
		return []string{name + "/*"}, true, nil
	}
	return texts, false, nil
}

// findIn gives the orphans of one cloud, and why its buckets were not asked.
func findIn(ctx context.Context, driver cloud.Driver, request Request) (orphans []Orphan, unasked, err error) {
	global := driver.Capabilities().Global
	for _, kind := range kinds() {
		objects, err := kind.list(ctx, driver, cloud.Filter{Deployment: request.Deployment})
		var closed noBuckets
		if errors.As(err, &closed) && !errors.Is(err, service.ErrNotYetKnown) {
			unasked = closed.error
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		type key struct {
			kind cloud.Kind
			id   cloud.ID
		}
		seen := make(map[key]bool, len(objects))
		for _, object := range objects {
			seen[key{object.Kind, object.ID}] = true
		}
		for _, object := range objects {
			stands := func(location cloud.Location) bool {
				return seen[key{object.Kind, cloud.ID{Location: location, Native: object.ID.Native}}]
			}
			switch {
			case object.deployment != request.Deployment:
				// Never another's, should a vendor's filter be wider than asked.
			case request.Lost.Contains(object.ID.Location) && !global[object.Kind]:
			case request.Owned.has(object.Kind, object.ID, global[object.Kind], stands):
			case request.Known != nil && request.Known(object.Kind, object.ID):
			default:
				orphans = append(orphans, object.Orphan)
			}
		}
	}
	return orphans, unasked, nil
}
