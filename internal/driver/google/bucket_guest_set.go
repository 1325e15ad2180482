package google

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// observeAll is observeBucket with the bucket's guests. It asks for its policy only
// where a label says that there are any: most buckets take one request.
func (b *buckets) observeAll(ctx context.Context, attrs *storage.BucketAttrs) (cloud.Bucket, error) {
	have := b.observeBucket(attrs)
	if attrs.Labels[cloud.LabelGuests] == "" {
		return have, nil
	}
	policy, err := b.client.Bucket(attrs.Name).IAM().V3().Policy(ctx)
	if err != nil {
		return have, err
	}
	return withGuests(have, judgeGuests(attrs.Name, have.Deployment, policy.Bindings)), nil
}

func withGuests(have cloud.Bucket, facts guestFacts) cloud.Bucket {
	have.Guests = facts.guests
	have.Broken = slices.DeleteFunc(have.Broken, func(guard cloud.BucketGuard) bool { return guard == cloud.GuardGuests })
	if !facts.intact {
		have.Broken = append(have.Broken, cloud.GuardGuests)
	}
	return have
}

// setGuests lets in whom the spec names, and nobody else under the guests' mark.
// What others allow a guest is taken away; everything else of the policy stays. The
// policy is replaced only as long as nobody else has changed it since it was read:
// CodeConflict otherwise.
func (b *buckets) setGuests(ctx context.Context, bucket *storage.BucketHandle, want cloud.BucketSpec) (guestFacts, error) {
	handle := bucket.IAM().V3()
	policy, err := handle.Policy(ctx)
	if err != nil {
		return guestFacts{}, err
	}
	name := bucket.BucketName()
	facts := judgeGuests(name, want.Deployment, policy.Bindings)
	if facts.intact && slices.Equal(facts.guests, want.Guests) {
		return facts, nil
	}
	others := withoutGuests(facts.others, append(facts.guests, want.Guests...))
	if err := checkPolicyRoom(name, want, others); err != nil {
		return guestFacts{}, err
	}
	policy.Bindings = others
	for _, guest := range want.Guests {
		policy.Bindings = append(policy.Bindings, guestBindings(name, want.Deployment, guest)...)
	}
	if err := handle.SetPolicy(ctx, policy); err != nil {
		return guestFacts{}, refusedGuests(err, name)
	}
	return judgeGuests(name, want.Deployment, policy.Bindings), nil
}

// refusedGuests tells of a policy that the vendor does not take that it is about the
// guests: most likely one of the service accounts does not exist.
func refusedGuests(err error, bucket string) error {
	var api *googleapi.Error
	if !errors.As(err, &api) || api.Code != http.StatusBadRequest {
		return err
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "let guests into", Field: "guests", Err: err,
		VendorCode: reasonOf(api), Message: api.Message, Remedy: "Every service account has to exist before it is let in."}
}
