package hetzner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// A statement of a bucket policy, in the language of Amazon's IAM as the Ceph
// gateway has it. Actions are always named one by one: users report that the
// vendor ignores NotAction.
type policyStatement struct {
	Sid         string
	Effect      string
	Principal   any // "*", or {"AWS": […]}
	Action      []string
	Resource    []string                       `json:",omitempty"`
	NotResource []string                       `json:",omitempty"`
	Condition   map[string]map[string][]string `json:",omitempty"`
}

type policyDocument struct {
	Version   string
	Statement []json.RawMessage
}

const policyVersion = "2012-10-17"

// The statements of every bucket. They are found by their Sid.
const (
	sidTLS     = "HoldfastTLSOnly"
	sidCanned  = "HoldfastNoPublicObjects"
	sidObjects = "HoldfastNoObjectACLs"
)

func bucketARN(bucket string) string  { return "arn:aws:s3:::" + bucket }
func objectsARN(bucket string) string { return "arn:aws:s3:::" + bucket + "/*" }

// ownStatements keep TLS and privacy: no request without TLS, and no object that
// is more public than its bucket.
func ownStatements(bucket string) []policyStatement {
	return []policyStatement{
		{Sid: sidTLS, Effect: "Deny", Principal: "*", Action: []string{"s3:*"}, Resource: []string{bucketARN(bucket), objectsARN(bucket)},
			Condition: map[string]map[string][]string{"Bool": {"aws:SecureTransport": {"false"}}}},
		{Sid: sidCanned, Effect: "Deny", Principal: "*", Action: []string{"s3:PutObject"}, Resource: []string{objectsARN(bucket)},
			Condition: map[string]map[string][]string{"StringEquals": {"s3:x-amz-acl": {"public-read", "public-read-write", "authenticated-read"}}}},
		{Sid: sidObjects, Effect: "Deny", Principal: "*", Action: []string{"s3:PutObjectAcl", "s3:PutObjectVersionAcl"}, Resource: []string{objectsARN(bucket)}},
	}
}

// policyFacts are what matters of a policy.
type policyFacts struct {
	tls, private bool
	// others are the statements that are neither this driver's nor public, as
	// they stand there: those that confine the guests' keys.
	others []json.RawMessage
}

// judgePolicy reads a bucket's policy; empty is none. One that cannot be
// understood protects nothing.
func judgePolicy(bucket, document string) policyFacts {
	var facts policyFacts
	if document == "" {
		return facts
	}
	statements, ok := statementsOf(document)
	if !ok {
		return facts
	}
	wanted := map[string]any{}
	for _, s := range ownStatements(bucket) {
		wanted[s.Sid] = plain(s)
	}
	intact, spoilt, public := map[string]bool{}, map[string]bool{}, false
	for _, raw := range statements {
		var s struct {
			Sid, Effect             string
			Principal, NotPrincipal any
		}
		if json.Unmarshal(raw, &s) != nil {
			return policyFacts{}
		}
		// Anybody can give a statement any name, and several the same.
		want, own := wanted[s.Sid]
		switch {
		case own && reflect.DeepEqual(want, plain(raw)):
			intact[s.Sid] = true
		case s.Effect == "Allow" && (s.NotPrincipal != nil || everybody(s.Principal)):
			public = true
			spoilt[s.Sid] = own
		case own:
			spoilt[s.Sid] = true
		default:
			facts.others = append(facts.others, raw)
		}
	}
	good := func(sid string) bool { return intact[sid] && !spoilt[sid] }
	facts.tls = good(sidTLS)
	facts.private = !public && good(sidCanned) && good(sidObjects)
	return facts
}

// statementsOf takes a policy apart. A single statement may stand without a
// list.
func statementsOf(document string) ([]json.RawMessage, bool) {
	var policy struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &policy) != nil {
		return nil, false
	}
	var list []json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(policy.Statement), []byte("{")) {
		return []json.RawMessage{policy.Statement}, true
	}
	return list, json.Unmarshal(policy.Statement, &list) == nil
}

// everybody tells whether a principal means people without credentials.
func everybody(principal any) bool {
	switch p := principal.(type) {
	case string:
		return p == "*"
	case []any:
		return slices.ContainsFunc(p, everybody)
	case map[string]any:
		for _, of := range p {
			if everybody(of) {
				return true
			}
		}
	}
	return false
}

// plain is a value as JSON gives it back.
func plain(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(text, &out) != nil {
		return nil
	}
	return normal(out)
}

// normal writes every list of one as this driver does: where a store gives back
// a single element without its list, it means the same.
func normal(v any) any {
	statement, ok := v.(map[string]any)
	if !ok {
		return v
	}
	listed := func(holder map[string]any, key string) {
		if one, single := holder[key].(string); single {
			holder[key] = []any{one}
		}
	}
	listed(statement, "Action")
	listed(statement, "Resource")
	if principal, ok := statement["Principal"].(map[string]any); ok {
		listed(principal, "AWS")
	}
	if conditions, ok := statement["Condition"].(map[string]any); ok {
		for _, of := range conditions {
			if keys, ok := of.(map[string]any); ok {
				for key := range keys {
					listed(keys, key)
				}
			}
		}
	}
	return statement
}

// repairedPolicy is the policy that a bucket should have: this driver's
// statements, and those of others that were there, the guests' among them.
func repairedPolicy(bucket, document string) (string, error) {
	return policyText(bucket, judgePolicy(bucket, document).others, nil)
}

// guestPolicy is repairedPolicy with the guests that are wanted, and only them;
// what others allow them is taken away.
func guestPolicy(bucket, owner, document string, want cloud.BucketSpec) (string, error) {
	facts := judgePolicy(bucket, document)
	concerned := append(judgeGuests(bucket, owner, want.Deployment, facts.others).guests, want.Guests...)
	var others []json.RawMessage
	for _, raw := range facts.others {
		if sid := sidOf(raw); strings.HasPrefix(sid, guestSids) || sid == sidReads && len(want.Guests) > 0 {
			continue
		}
		if left, _ := withoutGuests(raw, concerned); left != nil {
			others = append(others, left)
		}
	}
	if err := checkPolicySize(bucket, owner, want, others); err != nil {
		return "", err
	}
	guests := guestStatements(bucket, want.Deployment, want.Guests)
	if len(guests) > 0 {
		guests = append(guests, ownerReads(bucket, owner))
	}
	return policyText(bucket, others, guests)
}

// policyText writes a policy: this driver's statements, those of others, and the
// guests'.
func policyText(bucket string, others []json.RawMessage, guests []policyStatement) (string, error) {
	policy := policyDocument{Version: policyVersion}
	add := func(statements []policyStatement) error {
		for _, s := range statements {
			raw, err := json.Marshal(s)
			if err != nil {
				return fmt.Errorf("the policy of bucket %s: %w", bucket, err)
			}
			policy.Statement = append(policy.Statement, raw)
		}
		return nil
	}
	if err := add(ownStatements(bucket)); err != nil {
		return "", err
	}
	policy.Statement = append(policy.Statement, others...)
	if err := add(guests); err != nil {
		return "", err
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("the policy of bucket %s: %w", bucket, err)
	}
	return string(text), nil
}

// sidOf is a statement's mark; empty where it has none.
func sidOf(raw json.RawMessage) string {
	var s struct{ Sid string }
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s.Sid
}

// listed is a list that may stand as its only element.
type listed []string

// UnmarshalJSON takes both forms; of any other it makes an empty list.
func (l *listed) UnmarshalJSON(text []byte) error {
	var (
		one  string
		many []string
	)
	*l = nil
	if json.Unmarshal(text, &one) == nil {
		*l = listed{one}
	} else if json.Unmarshal(text, &many) == nil {
		*l = many
	}
	return nil
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
