package guest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"path"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// part is one document of user data.
type part struct {
	// mediaType is what cloud-init decides by.
	mediaType string
	// header are the other headers that cloud-init reads.
	header textproto.MIMEHeader
	body   string
}

const cloudConfigType = "text/cloud-config"

// marks are the beginnings by which cloud-init tells what a document is.
func marks() []struct{ mark, mediaType string } {
	return []struct{ mark, mediaType string }{
		{"#cloud-config-", ""}, // archives, patches
		{"#cloud-config", cloudConfigType},
		{"#cloud-boothook", "text/cloud-boothook"},
		{"#!", "text/x-shellscript"},
	}
}

// kept are the headers of a part that cloud-init reads: a script's name, and
// how cloud-config is merged.
func kept() []string {
	return []string{"Content-Disposition", "Launch-Index", "Merge-Type", "X-Merge-Type"}
}

// problem is a sentence for the user.
type problem string

func (p problem) Error() string { return string(p) }

// maxDepth bounds how deep archives may nest, as package policy does.
const maxDepth = 4

// ownParts takes the tenant's user data apart: cloud-config, scripts and boot
// hooks, alone or in a MIME multipart. Others cannot be seen through, and are
// refused. The error is a finding.
func ownParts(text string, s Spec) ([]part, error) {
	if text == "" {
		return nil, nil
	}
	if findings := policy.CheckUserData(text, 0); len(findings) > 0 {
		return nil, findings[0]
	}
	parts, err := split(part{header: textproto.MIMEHeader{}, body: text}, 0)
	if err != nil {
		return nil, refused(err.Error(), "Write the user data as #cloud-config, a script, or a MIME multipart of these.")
	}
	for _, p := range parts {
		if p.mediaType != cloudConfigType {
			continue
		}
		if err := checkOwn(p.body, s); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func refused(detail, remedy string) error {
	return policy.Finding{Field: "user_data", Summary: "User data do not go together with the guest's settings", Detail: detail, Remedy: remedy}
}

// split takes a document apart as far as it is an archive.
func split(p part, depth int) ([]part, error) {
	if depth > maxDepth {
		return nil, problem("Archives are nested too deep.")
	}
	trimmed := strings.TrimLeftFunc(p.body, unicode.IsSpace)
	lower := strings.ToLower(trimmed)
	if strings.HasPrefix(lower, "content-type:") || strings.HasPrefix(lower, "mime-version:") {
		message, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(trimmed, "\r\n", "\n")))
		if err != nil {
			return nil, problem("The MIME message is malformed.")
		}
		return splitMIME(textproto.MIMEHeader(message.Header), message.Body, depth)
	}
	for _, m := range marks() {
		if strings.HasPrefix(lower, m.mark) && m.mediaType != "" {
			p.mediaType, p.body = m.mediaType, trimmed
			return []part{p}, nil
		}
		if strings.HasPrefix(lower, m.mark) {
			break
		}
	}
	return nil, problem("A document is neither cloud-config nor a script, so it cannot be told what it does to the guest's settings.")
}

func splitMIME(header textproto.MIMEHeader, body io.Reader, depth int) ([]part, error) {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return nil, problem("A part of the MIME message has no readable Content-Type.")
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		if depth > maxDepth {
			return nil, problem("Archives are nested too deep.")
		}
		var all []part
		reader := multipart.NewReader(body, params["boundary"])
		for {
			// Raw: transfer encodings are decoded below.
			next, err := reader.NextRawPart()
			if errors.Is(err, io.EOF) {
				return all, nil
			}
			if err != nil {
				return nil, problem("The MIME message is malformed.")
			}
			parts, err := splitMIME(next.Header, next, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, parts...)
		}
	}
	text, err := decode(header.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return nil, problem("A part of the MIME message cannot be decoded.")
	}
	p := part{mediaType: mediaType, header: textproto.MIMEHeader{}, body: text}
	for _, name := range kept() {
		if value := header.Get(name); value != "" {
			p.header.Set(name, value)
		}
	}
	switch mediaType {
	case cloudConfigType, "text/x-shellscript-per-boot", "text/x-shellscript-per-instance", "text/x-shellscript-per-once", "text/cloud-boothook":
		return []part{p}, nil
	case "text/plain", "text/x-shellscript":
		// Of these cloud-init looks at the first line.
		return split(p, depth+1)
	}
	return nil, problem(fmt.Sprintf("A part of the MIME message has the type %.60q, so it cannot be told what it does to the guest's settings.", mediaType))
}

// decode undoes a MIME transfer encoding.
func decode(encoding string, body io.Reader) (string, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

// checkOwn refuses cloud-config that the guest's settings would silently
// overrule, or that would keep them from being merged.
func checkOwn(text string, s Spec) error {
	var root map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		// The parser's message would repeat the text.
		return refused("The cloud-config is not a mapping of keys to values.", "Write keys with values, such as \"packages: [nginx]\".")
	}
	for _, key := range []string{"hostname", "fqdn", "preserve_hostname", "manage_etc_hosts", "disable_root", "ssh_pwauth"} {
		if _, given := root[key]; given {
			return refused(fmt.Sprintf("They set %s, which the guest's settings decide: a machine is called by its name, and has no passwords and no root login.", key), "Remove "+key+".")
		}
	}
	for _, key := range []string{"bootcmd", "groups", "users", "write_files"} {
		if node, given := root[key]; given && node.Kind != yaml.SequenceNode {
			return refused(fmt.Sprintf("They give %s in another form than a list, to which the guest's own could not be added.", key), "Write "+key+" as a list.")
		}
	}
	files, users := root["write_files"], root["users"]
	for _, item := range files.Content {
		var given struct {
			Path string `yaml:"path"`
		}
		_ = item.Decode(&given) // another form is cloud-init's to refuse
		if strings.HasPrefix(path.Clean(given.Path)+"/", path.Dir(SpecPath)+"/") {
			return refused("They write into "+path.Dir(SpecPath)+", where the guest's settings stand.", "Write into another directory.")
		}
	}
	for _, item := range users.Content {
		var given struct {
			Name string `yaml:"name"`
		}
		_ = item.Decode(&given) // as above; a mere name is Debian's own user
		if slices.ContainsFunc(s.Admins, func(a Admin) bool { return a.Name == given.Name }) {
			return refused(fmt.Sprintf("They make the user %q, who is one of the engineers.", given.Name), "Give all of an engineer's keys in the guest's admins.")
		}
	}
	return nil
}

// CheckOwn judges the tenant's own user data beside a guest's settings, in the
// field user_data. What package policy refuses anyway it leaves to that.
func CheckOwn(text string, admins []Admin) []policy.Finding {
	if len(policy.CheckUserData(text, 0)) > 0 {
		return nil
	}
	var f policy.Finding
	if _, err := ownParts(text, Spec{Admins: admins}); errors.As(err, &f) {
		return []policy.Finding{f}
	}
	return nil
}
