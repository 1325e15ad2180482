package cloud

// BucketsOf gives a driver's buckets for backups: CodeUnsupported where this
// version of its cloud's driver has none.
func BucketsOf(driver Driver) (Buckets, error) {
	with, ok := driver.(BucketDriver)
	if !ok {
		return nil, &Error{Code: CodeUnsupported, Cloud: driver.Cloud(), Kind: KindBucket, Doing: "use object storage", Field: "location",
			Message: "this version of Holdfast has no buckets for backups on this cloud", Remedy: "Use a location of another cloud."}
	}
	return with.Buckets()
}
