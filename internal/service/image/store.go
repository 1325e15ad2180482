package image

import (
	"context"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func storeOf(driver cloud.Driver) cloud.Store[cloud.ImageSpec, cloud.Image] {
	images, err := cloud.ImagesOf(driver)
	if err != nil {
		return noStore{err}
	}
	return images
}

// noStore answers everything with why there is no store.
type noStore struct{ err error }

func (n noStore) Create(context.Context, cloud.ImageSpec, func(cloud.Image)) (cloud.Image, error) {
	return cloud.Image{}, n.err
}
func (n noStore) Get(context.Context, string) (cloud.Image, error)          { return cloud.Image{}, n.err }
func (n noStore) List(context.Context, cloud.Filter) ([]cloud.Image, error) { return nil, n.err }
func (n noStore) Update(context.Context, cloud.Image, cloud.ImageSpec) (cloud.Image, error) {
	return cloud.Image{}, n.err
}
func (n noStore) Delete(context.Context, string) error { return n.err }
