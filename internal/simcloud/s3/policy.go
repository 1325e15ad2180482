package s3

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// policy is a bucket's policy in the language of Amazon's IAM, as far as the Ceph
// gateway has it and this store evaluates it; what it cannot evaluate is refused
// when the policy is set, never ignored.
type policy struct {
	Version   string
	ID        string `json:"Id,omitempty"`
	Statement oneOrMore[statement]
}

// maxPolicy is the longest policy: the gateway's rgw_max_put_param_size, of which
// the default is 1 MiB (and which it answers with InvalidRange). Whether the vendor
// has set another is not known.
const maxPolicy = 1 << 20

type statement struct {
	Sid          string     `json:",omitempty"`
	Effect       string     // Allow, Deny
	Principal    principals `json:",omitzero"`
	NotPrincipal principals `json:",omitzero"`
	Action       oneOrMore[string]
	NotAction    oneOrMore[string]
	Resource     oneOrMore[string]
	NotResource  oneOrMore[string]
	Condition    map[string]map[string]oneOrMore[any]
}

// oneOrMore is a list that may be written as its only element.
type oneOrMore[T any] []T

// UnmarshalJSON takes both forms.
func (l *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return strict(b, (*[]T)(l))
	}
	var one T
	if err := strict(b, &one); err != nil {
		return err
	}
	*l = oneOrMore[T]{one}
	return nil
}

// strict refuses fields that v does not have.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// principals are those that a statement is about; "*" is everybody.
type principals []string

// UnmarshalJSON takes "*" and {"AWS": …}.
func (p *principals) UnmarshalJSON(b []byte) error {
	var all string
	if json.Unmarshal(b, &all) == nil {
		if all != "*" {
			return fmt.Errorf("the principal %q is not understood", all)
		}
		*p = principals{"*"}
		return nil
	}
	var kinds map[string]oneOrMore[string]
	if err := json.Unmarshal(b, &kinds); err != nil {
		return err
	}
	for kind, list := range kinds {
		if kind != "AWS" && kind != "CanonicalUser" {
			return fmt.Errorf("principals of the kind %q are not understood", kind)
		}
		*p = append(*p, list...)
	}
	return nil
}

// operators compare a value of the request with one of a policy.
func operators() map[string]func(have, want string) bool {
	equal := func(have, want string) bool { return have == want }
	fold := strings.EqualFold
	like := func(have, want string) bool { return wildcard(want, have) }
	within := func(have, want string) bool {
		ip, err := netip.ParseAddr(have)
		if err != nil {
			return false
		}
		if prefix, err := netip.ParsePrefix(want); err == nil {
			return prefix.Contains(ip.Unmap())
		}
		other, err := netip.ParseAddr(want)
		return err == nil && other == ip.Unmap()
	}
	return map[string]func(string, string) bool{"StringEquals": equal, "StringEqualsIgnoreCase": fold, "StringLike": like,
		"ArnEquals": like, "ArnLike": like, "Bool": fold, "IpAddress": within}
}

// negations are the operators that hold where their opposite does not.
func negations() map[string]string {
	return map[string]string{"StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
		"StringNotLike": "StringLike", "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike", "NotIpAddress": "IpAddress"}
}

// conditionKeys are what conditions may ask of a request.
func conditionKeys() []string {
	return []string{"aws:securetransport", "aws:sourceip", "aws:username", "aws:useragent", "s3:prefix", "s3:delimiter", "s3:max-keys",
		"s3:versionid", "s3:x-amz-acl", "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-customer-algorithm",
		"s3:object-lock-mode", "s3:x-amz-content-sha256"}
}

// parsePolicy reads a policy of a bucket, and refuses what it could not evaluate.
func parsePolicy(document, bucketName string) (*policy, error) {
	malformed := func(format string, args ...any) error { return fail("MalformedPolicy", format, args...) }
	var p policy
	if err := strict([]byte(document), &p); err != nil {
		return nil, malformed("Policies must be valid JSON of the known fields: %s", err)
	}
	if p.Version != "2012-10-17" && p.Version != "2008-10-17" {
		return nil, malformed("The policy must contain a valid version string")
	}
	if len(p.Statement) == 0 {
		return nil, malformed("Missing required field Statement")
	}
	for _, s := range p.Statement {
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return nil, malformed("Invalid effect: %s", s.Effect)
		case (len(s.Principal) == 0) == (len(s.NotPrincipal) == 0):
			return nil, malformed("A statement has either Principal or NotPrincipal")
		case (len(s.Action) == 0) == (len(s.NotAction) == 0):
			return nil, malformed("A statement has either Action or NotAction")
		case (len(s.Resource) == 0) == (len(s.NotResource) == 0):
			return nil, malformed("A statement has either Resource or NotResource")
		}
		for _, a := range slices.Concat(s.Action, s.NotAction) {
			if a != "*" && !strings.HasPrefix(strings.ToLower(a), "s3:") {
				return nil, malformed("Policy has invalid action: %s", a)
			}
		}
		for _, r := range slices.Concat(s.Resource, s.NotResource) {
			rest, ok := strings.CutPrefix(r, "arn:aws:s3:::")
			name, _, _ := strings.Cut(rest, "/")
			if !ok || !wildcard(name, bucketName) {
				return nil, malformed("Policy has invalid resource: %s", r)
			}
		}
		if err := checkConditions(s, malformed); err != nil {
			return nil, err
		}
	}
	return &p, nil
}

func checkConditions(s statement, malformed func(string, ...any) error) error {
	for operator, keys := range s.Condition {
		name := strings.TrimSuffix(operator, "IfExists")
		if negations()[name] == "" && operators()[name] == nil && name != "Null" {
			return malformed("The condition operator %s is not understood", operator)
		}
		for key := range keys {
			if !slices.Contains(conditionKeys(), strings.ToLower(key)) {
				return malformed("The condition key %s is not understood", key)
			}
		}
	}
	return nil
}

// verdict is what a policy says of a request.
type verdict int

const (
	silent verdict = iota
	allowed
	denied
)

// evaluate is the verdict of a policy: a denial wins.
func (p *policy) evaluate(who identity, action, resource string, facts map[string]string) verdict {
	v := silent
	for _, s := range p.Statement {
		if !s.about(who, action, resource, facts) {
			continue
		}
		if s.Effect == "Deny" {
			return denied
		}
		v = allowed
	}
	return v
}

func (s *statement) about(who identity, action, resource string, facts map[string]string) bool {
	matches := func(yes, no []string, f func(string) bool) bool {
		if len(no) > 0 {
			return !slices.ContainsFunc(no, f)
		}
		return slices.ContainsFunc(yes, f)
	}
	return matches(s.Principal, s.NotPrincipal, who.is) &&
		matches(s.Action, s.NotAction, func(a string) bool { return wildcard(strings.ToLower(a), strings.ToLower(action)) }) &&
		matches(s.Resource, s.NotResource, func(r string) bool { return wildcard(strings.TrimPrefix(r, "arn:aws:s3:::"), resource) }) &&
		s.conditions(facts)
}

// is tells whether a principal of a policy stands for the caller. The vendor's
// keys are users p<project>:<access key>; p<project> alone is all of a project.
func (i identity) is(principal string) bool {
	if principal == "*" {
		return true
	}
	if i.anonymous() {
		return false
	}
	user, ok := strings.CutPrefix(principal, "arn:aws:iam:::user/")
	return ok && (user == "p"+i.project+":"+i.access || user == "p"+i.project)
}

func (s *statement) conditions(facts map[string]string) bool {
	for operator, keys := range s.Condition {
		name, optional := strings.CutSuffix(operator, "IfExists")
		negated := negations()[name] != ""
		compare := operators()[name]
		if negated {
			compare = operators()[negations()[name]]
		}
		for key, list := range keys {
			have, there := facts[strings.ToLower(key)]
			if name == "Null" {
				if len(list) == 0 || (fmt.Sprint(list[0]) == "true") == there {
					return false
				}
				continue
			}
			if !there {
				// As in the gateway: what is not there is not unequal either.
				if optional {
					continue
				}
				return false
			}
			if slices.ContainsFunc(list, func(want any) bool { return compare(have, fmt.Sprint(want)) }) == negated {
				return false
			}
		}
	}
	return true
}

// public tells whether a policy allows something to everybody without a condition
// on where they come from.
func (p *policy) public() bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		_, confined := s.Condition["IpAddress"]
		return s.Effect == "Allow" && (slices.Contains(s.Principal, "*") || len(s.NotPrincipal) > 0) && !confined
	})
}

// wildcard matches * (any characters) and ? (one).
func wildcard(pattern, s string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for i := range len(s) + 1 {
				if wildcard(pattern[1:], s[i:]) {
					return true
				}
			}
			return false
		case '?':
			if s == "" {
				return false
			}
		default:
			if s == "" || s[0] != pattern[0] {
				return false
			}
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}

// facts are what conditions can ask of the request.
func (c *call) facts() map[string]string {
	f := map[string]string{}
	// The vendor ends TLS in front of the store. Loopback stands for that
	// connection, unless a proxy, or a test, says that it came in the clear: then
	// there is no such key, rather than a false one.
	if !strings.EqualFold(c.r.Header.Get("X-Forwarded-Proto"), "http") {
		f["aws:securetransport"] = "true"
	}
	if host, _, err := net.SplitHostPort(c.r.RemoteAddr); err == nil {
		f["aws:sourceip"] = host
	}
	if !c.who.anonymous() {
		f["aws:username"] = "p" + c.who.project + ":" + c.who.access
	}
	if c.key == "" {
		for _, k := range []string{"prefix", "delimiter", "max-keys"} {
			if c.query.Has(k) {
				f["s3:"+k] = c.query.Get(k)
			}
		}
	}
	if c.query.Has("versionId") {
		f["s3:versionid"] = c.query.Get("versionId")
	}
	for key, header := range map[string]string{"s3:x-amz-acl": "X-Amz-Acl", "s3:x-amz-server-side-encryption": "X-Amz-Server-Side-Encryption",
		"s3:x-amz-server-side-encryption-customer-algorithm": "X-Amz-Server-Side-Encryption-Customer-Algorithm",
		"s3:object-lock-mode":                                "X-Amz-Object-Lock-Mode", "s3:x-amz-content-sha256": "X-Amz-Content-Sha256", "aws:useragent": "User-Agent"} {
		if v := c.r.Header.Get(header); v != "" {
			f[key] = v
		}
	}
	return f
}
