package service

import (
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// BucketsOf gives a driver's buckets for backups: CodeUnsupported where the
// cloud, or this version of its driver, has none.
func BucketsOf(driver cloud.Driver) (cloud.Buckets, error) {
	with, ok := driver.(cloud.BucketDriver)
	if !ok {
		return nil, &cloud.Error{Code: cloud.CodeUnsupported, Cloud: driver.Cloud(), Kind: cloud.KindBucket, Doing: "use object storage", Field: "location",
			Message: "this version of Holdfast has no buckets for backups on this cloud", Remedy: "Use a location of another cloud."}
	}
	return with.Buckets()
}
