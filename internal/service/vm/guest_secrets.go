package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/seal"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// minPassword is the least length of restic's password in characters: 20 of the
// 64 of base64 hold 120 bits, which scrypt stretches further.
const minPassword = 20

// secrets are what only a configuration holds, and no plan or state.
type secrets struct {
	password string
	// credentials are JSON by the buckets' ids.
	credentials map[string]string
}

// checkSecrets judges a configuration's secrets as far as they are known, when
// a machine is to be made. Messages never repeat any.
func checkSecrets(r *service.Review[model]) {
	b := part[types.Object](r.Config.Guest, "backup")
	if b.IsNull() || b.IsUnknown() {
		return
	}
	password := part[types.String](b, "password_wo")
	switch {
	case password.IsNull():
		service.Report(r.Diags, policy.Finding{Promise: guest.ENC2, Field: "guest.backup.password_wo", Summary: "No password for the backups",
			Detail: "restic encrypts backups by a password, and there is none.", Remedy: "Give one, such as an ephemeral random_password, and keep it where the machine's loss does not reach."})
	case !password.IsUnknown() && len([]rune(password.ValueString())) < minPassword:
		service.Report(r.Diags, policy.Finding{Promise: guest.ENC2, Field: "guest.backup.password_wo", Summary: "Password too short",
			Detail: fmt.Sprintf("It has fewer than %d characters.", minPassword), Remedy: "Let a machine choose one."})
	}
}

// secretsOf reads the secrets of a configuration whose values are all known.
func secretsOf(r *service.Review[model], here cloud.Location, b *guestBackup) (secrets, bool) {
	given := part[types.Object](r.Config.Guest, "backup")
	s := secrets{password: textOf(given, "password_wo"), credentials: map[string]string{}}
	for id, element := range part[types.Map](given, "credentials_wo").Elements() {
		if text, ok := element.(types.String); ok {
			s.credentials[id] = text.ValueString()
		}
	}
	field := "guest.backup.credentials_wo"
	for i, bucket := range b.Buckets {
		id, err := cloud.ParseID(bucket.ID)
		if err != nil {
			service.Report(r.Diags, policy.Finding{Field: fmt.Sprintf("guest.backup.buckets[%d].id", i), Summary: "Not a bucket's id", Detail: err.Error() + ".", Remedy: "Give the bucket as it is, such as holdfast_backup_bucket.a."})
			continue
		}
		text, ok := s.credentials[bucket.ID]
		if !ok && id.Location.Cloud == googleblock.Name && here.Cloud == googleblock.Name && !part[types.String](r.Plan.Google, "service_account").IsNull() {
			continue // the machine acts as its service account
		}
		if why := checkCredentials(id.Location, text); why != "" {
			service.Report(r.Diags, policy.Finding{Field: field, Summary: "Credentials of a bucket missing", Detail: fmt.Sprintf("For %s %s.", bucket.ID, why),
				Remedy: "Give under the bucket's id jsonencode({ access_key = …, secret_key = … }) for S3, the key file of a service account for Google Cloud Storage."})
		}
	}
	for id := range s.credentials {
		known := false
		for _, bucket := range b.Buckets {
			known = known || bucket.ID == id
		}
		if !known {
			service.Report(r.Diags, policy.Finding{Field: field, Summary: "Credentials of another bucket", Detail: fmt.Sprintf("%.100q is the id of none of buckets.", id), Remedy: "Remove it, or write the bucket's id."})
		}
	}
	return s, !r.Diags.HasError()
}

// checkCredentials tells what is wrong with a bucket's credentials, never
// repeating them.
func checkCredentials(location cloud.Location, text string) string {
	var fields map[string]any
	switch {
	case text == "":
		return "there are none"
	case json.Unmarshal([]byte(text), &fields) != nil:
		return "they are no JSON object"
	}
	needed := []string{"access_key", "secret_key"}
	if location.Cloud == googleblock.Name {
		needed = []string{"client_email", "private_key"}
	}
	for _, name := range needed {
		if value, ok := fields[name].(string); !ok || value == "" {
			return fmt.Sprintf("they have no %q", name)
		}
	}
	return ""
}

// tangTime bounds the question to one Tang server: it answers from memory.
const tangTime = 30 * time.Second

// sealer seals secrets to the servers that open the machine's volumes.
type sealer struct {
	servers   []seal.Server
	threshold int
	report    func(...policy.Finding)
}

// newSealer learns the servers' keys: as the configuration has them, else from
// the servers. A server that does not answer is left out, with a warning, while
// enough others do: a machine must come up again while one is away. nil after
// reporting what is wrong.
func newSealer(ctx context.Context, r *service.Review[model], mounts []mount) *sealer {
	first := mounts[0].Encryption
	for _, other := range mounts[1:] {
		if !reflect.DeepEqual(other.Encryption.Binding.Tang, first.Binding.Tang) || other.Encryption.Binding.Threshold != first.Binding.Threshold {
			service.Report(r.Diags, policy.Finding{Promise: policy.ENC1, Field: mountField(other.Path), Summary: "Volumes with different Tang servers",
				Detail: "The secrets of backups are sealed to the servers that open the machine's volumes, which are not the same for all of them.", Remedy: "Give all volumes of the machine the same tang and threshold."})
			return nil
		}
	}
	s := &sealer{threshold: first.Binding.Threshold, report: func(f ...policy.Finding) { service.Report(r.Diags, f...) }}
	var away []error
	for i, tang := range first.Binding.Tang {
		field := fmt.Sprintf("%s.encryption.tang[%d]", mountField(mounts[0].Path), i)
		advertisement, err := learn(ctx, r.Env.Tang, tang)
		switch {
		case err == nil:
			s.servers = append(s.servers, seal.Server{URL: tang.URL, Advertisement: advertisement})
		case errors.Is(err, seal.ErrUntrusted):
			s.report(policy.Finding{Promise: policy.ENC1, Field: field, Summary: "Tang server not trusted", Detail: err.Error() + ".",
				Remedy: "If the server has rotated its keys, compare the new thumbprint with what tang-show-keys prints on the server itself, and write it into encryption. Otherwise somebody else answers in its place."})
			return nil
		default:
			away = append(away, err)
		}
	}
	switch {
	case len(s.servers) < s.threshold:
		s.report(policy.Finding{Promise: policy.ENC1, Field: mountField(mounts[0].Path), Summary: "Too few Tang servers answer",
			Detail: fmt.Sprintf("%d are needed to seal secrets to, and %d have answered: %v.", s.threshold, len(s.servers), errors.Join(away...)),
			Remedy: "Let them be reached from here, or give each server's advertisement in encryption (curl http://127.0.0.1:PORT/adv on the server)."})
		return nil
	case len(away) > 0:
		r.Diags.AddAttributeWarning(path.Root("guest"), "A Tang server does not answer",
			fmt.Sprintf("The machine's secrets are sealed to the other ones only: %v.\n\nA volume that is still empty waits for all of its servers at the machine's first boot: give this one's advertisement in encryption (curl http://127.0.0.1:PORT/adv on the server), or take it out of tang.", errors.Join(away...)))
	}
	return s
}

// learn gets one server's keys.
func learn(ctx context.Context, client seal.Doer, tang guest.Tang) (seal.Advertisement, error) {
	if tang.Advertisement != "" {
		return seal.ParseAdvertisement([]byte(tang.Advertisement), tang.Thumbprint)
	}
	if client == nil {
		return seal.Advertisement{}, fmt.Errorf("%s cannot be asked from here", tang.URL)
	}
	ctx, cancel := context.WithTimeout(ctx, tangTime)
	defer cancel()
	return seal.Fetch(ctx, client, tang)
}

func (s *sealer) seal(field, secret string) guest.Sealed {
	sealed, err := seal.Seal([]byte(secret), s.servers, s.threshold)
	if err != nil {
		s.report(policy.Finding{Promise: guest.ENC2, Field: field, Summary: "Secret not sealed", Detail: err.Error() + "."})
	}
	return sealed
}
