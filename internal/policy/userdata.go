package policy

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds that keep hostile input from using up the plan's time: how deep
// formats may nest in each other, how many parts there may be in all, and how
// large a decoded part may be in bytes. Real user data stays far below.
const (
	maxUserDataDepth = 4
	maxUserDataParts = 200
	maxDecodedBytes  = 1 << 20
)

// CheckUserData judges what is handed to a machine at first boot (cloud-init),
// in the field user_data: it must be text of at most maxBytes (0: no bound) in
// a form that cloud-init acts on, and must not set up logins by password or
// carry private keys (SYS-3).
//
// Cloud-config is parsed; MIME archives, cloud-config archives, templates and
// encoded files are looked into. Scripts are programs: in them the usual
// commands and directives are found, and nothing is proved by finding none,
// which is why the image refuses passwords as well.
//
// Messages name the place, never the text.
func CheckUserData(text string, maxBytes int) []Finding {
	c := &userData{}
	switch {
	case text == "":
		return nil
	case maxBytes > 0 && len(text) > maxBytes:
		c.bad("User data too long", fmt.Sprintf("The user data have %d bytes; the cloud takes at most %d.", len(text), maxBytes),
			"Put what does not fit into the image, or fetch it from the tenant's bucket.")
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\f", r) }) {
		c.bad("User data are not text", "The user data hold bytes that are not UTF-8 text; clouds would garble them.",
			"Give plain text: neither compressed nor encoded data.")
		return c.findings
	}
	if kind, found := privateKey(text); found {
		c.breaks("Private key in user data", "The user data hold "+kind+". The cloud keeps user data in clear, and every process of the machine can read them.",
			"Treat that key as leaked. Let the machine make its own keys, or give it only what is encrypted to it.")
	}
	c.document(text, "", 0)
	return c.findings
}

// userData collects findings of one text.
type userData struct {
	findings []Finding
	parts    int
}

func (c *userData) add(f Finding) {
	f.Field = "user_data"
	for _, known := range c.findings {
		if known == f {
			return
		}
	}
	c.findings = append(c.findings, f)
}

// bad reports malformed input, breaks a broken promise.
func (c *userData) bad(summary, detail, remedy string) {
	c.add(Finding{Summary: summary, Detail: detail, Remedy: remedy})
}

func (c *userData) breaks(summary, detail, remedy string) {
	c.add(Finding{Promise: SYS3, Summary: summary, Detail: detail, Remedy: remedy})
}

// password reports a login by password that is set up at a place.
func (c *userData) password(place, how string) {
	c.breaks("User data set up a password", fmt.Sprintf("%s %s. Machines are managed with personal SSH key pairs only; passwords and logins with them are off.", place, how),
		"Remove it. Give engineers' keys with ssh_key_ids, and services their secrets from a secret store.")
}

// unreadable reports what cannot be judged, and therefore is refused.
func (c *userData) unreadable(place, why string) {
	c.breaks("User data cannot be checked", fmt.Sprintf("%s %s, so it cannot be told whether it sets up passwords.", place, why),
		"Write the user data as #cloud-config, a script, or a MIME archive of these.")
}

// document judges one document by the form that cloud-init would see in it.
// The place is where the document stands, empty for the whole.
func (c *userData) document(text, place string, depth int) {
	c.parts++
	if depth > maxUserDataDepth || c.parts > maxUserDataParts {
		c.unreadable(orWhole(place), "is nested too deep or has too many parts")
		return
	}
	// Like cloud-init: leading white space and letter case do not matter.
	trimmed := strings.TrimLeftFunc(text, unicode.IsSpace)
	lower := strings.ToLower(trimmed)
	begins := func(mark string) bool { return strings.HasPrefix(lower, mark) }
	switch {
	case begins("## template: jinja"):
		_, rest, _ := strings.Cut(trimmed, "\n")
		c.template(rest, place, depth)
	case begins("content-type:"), begins("mime-version:"):
		c.archive(trimmed, place, depth)
	case begins("#!"), begins("#cloud-boothook"):
		c.program(trimmed, place)
	case begins("#cloud-config-archive"):
		c.cloudArchive(trimmed, place, depth)
	case begins("#cloud-config-jsonp"):
		c.unreadable(orWhole(place), "is a JSON patch of another document")
	case begins("#cloud-config"):
		c.cloudConfig(trimmed, place)
	case begins("#include"):
		c.unreadable(orWhole(place), "is fetched from somewhere else at boot (#include)")
	case begins("#part-handler"):
		c.unreadable(orWhole(place), "is code that handles other parts (#part-handler)")
	default:
		c.bad("User data of unknown form", orWhole(place)+" begins with none of the marks that cloud-init knows, so it would be ignored at boot.",
			"Begin with the line #cloud-config, with #! and an interpreter, or with the header of a MIME archive.")
	}
}

// program judges a script as a whole.
func (c *userData) program(text, place string) {
	if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "#!") && strings.HasSuffix(first, "\r") {
		c.bad("Script with Windows line ends", orWhole(place)+" ends its first line with CR LF, so Linux would not find the interpreter.",
			"Save the script with line ends of LF only.")
	}
	c.script(text, place)
}

// template judges a Jinja template, which cloud-init fills in from the
// machine's metadata. It is judged unfilled.
func (c *userData) template(text, place string, depth int) {
	if strings.Contains(text, "{%") {
		c.unreadable(orWhole(place), "is a template with statements, whose outcome only the machine knows")
		return
	}
	c.document(text, place, depth+1)
}

// orWhole names a place, or the whole text.
func orWhole(place string) string {
	if place == "" {
		return "The document"
	}
	return place
}

// in names a place within another.
func in(place, what string) string {
	if place == "" {
		return what
	}
	return what + " of " + place
}
