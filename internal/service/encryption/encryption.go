package encryption

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/seal"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// Name of the attribute.
const Name = "encryption"

// Attribute is the attribute's schema.
func Attribute(description string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			// Nothing is Required: the framework would refuse an object that is
			// unknown as a whole. Check does it.
			"tang": schema.ListNestedAttribute{
				Optional:            true,
				MarkdownDescription: fmt.Sprintf("Required. The Tang servers that open the volume when the machine starts: 1 to %d, in the machine's network or one that it reaches. Whoever reaches `threshold` of them can open the volume, and nobody else.", guest.MaxTang),
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"url":        schema.StringAttribute{Optional: true, MarkdownDescription: "Required. The server's URL as the machine reaches it, such as `http://tang-1.example.com:7500`. It needs no TLS."},
					"thumbprint": schema.StringAttribute{Optional: true, MarkdownDescription: "Required. SHA-256 thumbprint of the server's signing key, as `tang-show-keys` prints it on the server itself: what the network says is trusted only if this key signed it."},
					"advertisement": schema.StringAttribute{Optional: true, MarkdownDescription: "What the server answers to `GET /adv`, such as `file(\"tang-1.jws\")`, where Terraform does not reach the server, or the server may be away when a machine is made: " +
						"the volume is bound to it without asking it. It is judged by the thumbprint all the same. Without it the server is asked."},
				}},
			},
			"threshold": schema.Int64Attribute{Optional: true, MarkdownDescription: "How many of the Tang servers have to answer together. Default `1`: any of them."},
			"vtpm":      schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the machine's virtual TPM has to take part as well, so that the volume opens in no other machine without a recovery key. Google Cloud only. Default `false`."},
			"recovery_keys": schema.ListAttribute{Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Required. Public keys of operators (`age1…`, `ssh-ed25519`, `ssh-rsa`). The machine makes a recovery key of its own and seals it to them: with the Tang servers gone for ever, nothing else opens the volume."},
		},
	}
}

// Types are the types of the attribute's own attributes.
func Types() map[string]attr.Type {
	if object, ok := Attribute("").GetType().(types.ObjectType); ok {
		return object.AttrTypes
	}
	return nil
}

// Settings are what the attribute says.
type Settings struct {
	Binding  guest.Binding
	Recovery []string
}

// Read gives the settings of an object that is known to its last part, false
// where it is null or not.
func Read(object types.Object) (Settings, bool) {
	var s Settings
	if object.IsNull() || !known(object) {
		return s, false
	}
	values := object.Attributes()
	s.Binding.Threshold = 1
	if n, ok := values["threshold"].(types.Int64); ok && !n.IsNull() {
		s.Binding.Threshold = int(n.ValueInt64())
	}
	if vtpm, ok := values["vtpm"].(types.Bool); ok {
		s.Binding.VTPM = vtpm.ValueBool()
	}
	if servers, ok := values["tang"].(types.List); ok {
		for _, element := range servers.Elements() {
			server, ok := element.(types.Object)
			if !ok {
				continue
			}
			s.Binding.Tang = append(s.Binding.Tang, guest.Tang{URL: text(server, "url"), Thumbprint: text(server, "thumbprint"), Advertisement: strings.TrimSpace(text(server, "advertisement"))})
		}
	}
	if keys, ok := values["recovery_keys"].(types.List); ok {
		for _, element := range keys.Elements() {
			key, _ := element.(types.String)
			s.Recovery = append(s.Recovery, key.ValueString())
		}
	}
	return s, true
}

func text(object types.Object, name string) string {
	value, _ := object.Attributes()[name].(types.String)
	return value.ValueString()
}

// known tells whether no part of a value is unknown.
func known(value attr.Value) bool {
	if value.IsUnknown() {
		return false
	}
	switch value := value.(type) {
	case types.Object:
		for _, part := range value.Attributes() {
			if !known(part) {
				return false
			}
		}
	case types.List:
		for _, part := range value.Elements() {
			if !known(part) {
				return false
			}
		}
	}
	return true
}

// Check judges the attribute at a path, once it is known to its last part.
// vtpm tells whether the location's cloud has virtual TPMs.
func Check(field string, object types.Object, vtpm bool) []policy.Finding {
	s, ok := Read(object)
	if !ok {
		return nil
	}
	findings := guest.CheckBinding(field, s.Binding, vtpm)
	for i, tang := range s.Binding.Tang {
		if tang.Advertisement == "" || !json.Valid([]byte(tang.Advertisement)) || guest.CheckThumbprint(tang.Thumbprint) != nil {
			continue // nothing to say, or said already
		}
		if _, err := seal.ParseAdvertisement([]byte(tang.Advertisement), tang.Thumbprint); err != nil {
			findings = append(findings, policy.Finding{Promise: policy.ENC1, Field: fmt.Sprintf("%s.tang[%d].advertisement", field, i), Summary: "Advertisement not accepted",
				Detail: fmt.Sprintf("Of %s: %s.", tang.URL, err), Remedy: "Fetch it anew from the server itself (curl http://127.0.0.1:PORT/adv), and compare the thumbprint with what tang-show-keys prints there."})
		}
	}
	return append(findings, guest.CheckRecovery(field+".recovery_keys", s.Recovery)...)
}
