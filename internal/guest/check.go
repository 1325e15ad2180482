package guest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// Check judges a whole spec: what an agent could not act on, and what would
// break a promise. Fields are those of the spec's JSON: "volumes[0].mount". A
// spec with findings is not given to a machine.
func Check(s Spec) []policy.Finding {
	c := &check{}
	c.identity(s)
	c.add(CheckAdmins("admins", s.Admins)...)
	for i, network := range s.Networks {
		if p, err := policy.ParsePrefix(network); err != nil {
			c.because(at("networks", i), err)
		} else if p.Bits() == 0 {
			c.promise(policy.ISO2, at("networks", i), "The whole internet is not a tenant's network", "The database is reached from the tenant's own networks only.", "Name the ranges of the tenant's holdfast_network.")
		}
	}
	c.add(CheckPorts("ports", s.Ports, s.Database != nil)...)
	c.add(CheckIntrusion("intrusion", s.Intrusion)...)
	c.add(CheckMaintenance("maintenance", s.Maintenance, s.TimeZone)...)
	if s.Proxy != "" {
		c.add(CheckProxy("proxy", s.Proxy)...)
	}
	c.volumes(s)
	c.database(s)
	c.backup(s)
	c.restore(s)
	return c.findings
}

type check struct{ findings []policy.Finding }

func (c *check) add(findings ...policy.Finding) { c.findings = append(c.findings, findings...) }

func (c *check) bad(field, summary, detail, remedy string) {
	c.promise("", field, summary, detail, remedy)
}

func (c *check) promise(promise, field, summary, detail, remedy string) {
	c.add(policy.Finding{Promise: promise, Field: field, Summary: summary, Detail: detail, Remedy: remedy})
}

// because turns a parser's answer into a finding about a field.
func (c *check) because(field string, err error) { c.add(finding(field, err)) }

func finding(field string, err error) policy.Finding {
	var f policy.Finding
	if !errors.As(err, &f) {
		f = policy.Finding{Summary: "Invalid value", Detail: sentence(err)}
	}
	f.Field = field
	return f
}

// sentence writes an error's text as one.
func sentence(err error) string {
	text := strings.TrimSuffix(err.Error(), ".")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func at(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

func (c *check) identity(s Spec) {
	if major, _, _ := strings.Cut(s.Version, "."); major != "1" {
		c.bad("version", "Another version of the contract", fmt.Sprintf("%.20q is not %s.", s.Version, SpecVersion), "Set it to guest.SpecVersion.")
	}
	for _, name := range []struct{ field, value string }{{"deployment", s.Deployment}, {"tenant", s.Tenant}, {"machine", s.Machine}} {
		c.add(policy.CheckName(name.field, name.value)...)
	}
	if _, err := cloud.ParseLocation(s.Location); err != nil {
		c.because("location", err)
	}
	c.zone("time_zone", s.TimeZone)
}

// zone judges the name of a time zone. "Local" and the empty name would be
// whatever the machine is set to.
func (c *check) zone(field, name string) {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		c.bad(field, "Unknown time zone", fmt.Sprintf("%.60q is not a time zone of the IANA database.", name), "Write one such as \"Europe/Berlin\" or \"UTC\".")
	}
}

// adminName is what Debian's adduser accepts (NAME_REGEX of adduser.conf(5)),
// within the 32 characters of useradd(8).
var adminName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// taken are accounts and groups that exist on a Debian system with the agent's
// packages (base-passwd's users and groups, and the services' own): an engineer
// who is called so would get their rights.
func taken(name string) bool {
	return strings.HasPrefix(name, "systemd-") || slices.Contains([]string{"root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
		"www-data", "backup", "list", "irc", "gnats", "nobody", "nogroup", "adm", "tty", "disk", "dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio",
		"dip", "operator", "src", "shadow", "utmp", "video", "sasl", "plugdev", "staff", "users", "kmem", "input", "sgx", "kvm", "render", "messagebus", "sshd",
		"postgres", "clevis", "tss", "crontab", "netdev", "ssh-cert", AdminGroup}, name)
}

// CheckAdmins judges the engineers who may log in: at least one, each with a
// name and keys of their own (SYS-3). The field is the list's.
func CheckAdmins(field string, admins []Admin) []policy.Finding {
	c := &check{}
	if len(admins) == 0 {
		c.promise(policy.SYS3, field, "Nobody may log in", "The machine has no engineer, so that nobody could look after it.", "Name at least one engineer with a public key.")
	}
	names, keys := map[string]bool{}, map[string]string{}
	for i, admin := range admins {
		here := at(field, i)
		switch {
		case !adminName.MatchString(admin.Name):
			c.bad(here+".name", "Not the name of an account", fmt.Sprintf("%.60q has characters that Debian does not accept, or more than 32.", admin.Name),
				"Use lower case letters, digits, \"-\" and \"_\", beginning with a letter.")
		case taken(admin.Name):
			c.promise(policy.SYS3, here+".name", "Account of the system", fmt.Sprintf("%q is an account or group of the system, whose rights the engineer would have.", admin.Name), "Choose the engineer's own name.")
		case names[admin.Name]:
			c.promise(policy.SYS3, here+".name", "Engineer named twice", fmt.Sprintf("%q is in the list twice.", admin.Name), "Give all keys of one engineer together.")
		}
		names[admin.Name] = true
		if len(admin.Keys) == 0 {
			c.promise(policy.SYS3, here+".keys", "Engineer without a key", fmt.Sprintf("%.60q could not log in: there are no passwords.", admin.Name), "Give at least one public key.")
		}
		for j, text := range admin.Keys {
			key, err := policy.ParsePublicKey(text)
			if err != nil {
				c.because(at(here+".keys", j), err)
				continue
			}
			if owner, known := keys[key.FingerprintSHA256]; known {
				c.promise(policy.SYS3, at(here+".keys", j), "Key given twice", fmt.Sprintf("The key %s is also %.60q's. Keys are personal.", key.FingerprintSHA256, owner), "Give each engineer keys of their own, and each key once.")
			}
			keys[key.FingerprintSHA256] = admin.Name
		}
	}
	return c.findings
}

// databasePort is PostgreSQL's.
const databasePort = 5432

// CheckPorts judges what the tenant's services listen on.
func CheckPorts(field string, ports []int, database bool) []policy.Finding {
	c := &check{}
	for i, port := range ports {
		switch {
		case port < 1 || port > 65535:
			c.bad(at(field, i), "Not a port", fmt.Sprintf("%d is not a TCP port.", port), "Write a number from 1 to 65535.")
		case port == 22:
			c.bad(at(field, i), "Port of SSH", "22 is always open, and limited by the intrusion prevention.", "Leave it out.")
		case port == databasePort && database:
			c.promise(policy.ISO2, at(field, i), "Port of the database", "5432 is open to the tenant's own networks, and to nobody else.", "Leave it out.")
		case slices.Contains(ports[:i], port):
			c.bad(at(field, i), "Port named twice", fmt.Sprintf("%d is in the list twice.", port), "Name it once.")
		}
	}
	return c.findings
}

// CheckProxy judges the URL of a proxy.
func CheckProxy(field, text string) []policy.Finding {
	c := &check{}
	// The same form as a Tang server's: a scheme, a host, no credentials.
	if _, err := ParseTangURL(text); err != nil {
		c.bad(field, "Not the URL of a proxy", "It must be of the form http://host:port, without credentials: every process of the machine can read it.", "Write it such as \"http://10.0.1.2:3128\".")
	}
	return c.findings
}

// Bounds of the intrusion prevention (NET-2), our own choice: more failures than
// ten, or a window or a block of less than a minute, would hold up nobody
// who tries keys; a block of a year is as good as for ever.
const (
	MaxAttempts        = 10
	MinWindowSeconds   = 60
	MaxWindowSeconds   = 24 * 60 * 60
	MinCoolDownSeconds = 60
	MaxCoolDownSeconds = 365 * 24 * 60 * 60
)

// CheckIntrusion judges the limits of intrusion prevention (NET-2).
func CheckIntrusion(field string, in Intrusion) []policy.Finding {
	c := &check{}
	for _, limit := range []struct {
		name             string
		value, low, high int
		unit             string
	}{
		{"attempts", in.Attempts, 1, MaxAttempts, "failures"},
		{"window_seconds", in.WindowSeconds, MinWindowSeconds, MaxWindowSeconds, "seconds"},
		{"cool_down_seconds", in.CoolDownSeconds, MinCoolDownSeconds, MaxCoolDownSeconds, "seconds"},
	} {
		if limit.value < limit.low || limit.value > limit.high {
			c.promise(NET2, field+"."+limit.name, "Intrusion prevention out of bounds",
				fmt.Sprintf("%d %s are not between %d and %d, outside of which brute force is not held up, or people are shut out by a slip.", limit.value, limit.unit, limit.low, limit.high),
				"Choose a value between them.")
		}
	}
	return c.findings
}

// Promises of the guest.
const (
	// NET2: brute-force attempts are detected and blocked.
	NET2 = "NET-2"
	// ENC2: backups are encrypted, in transit and at rest.
	ENC2 = "ENC-2"
	// BAK5: any kept backup can be restored.
	BAK5 = "BAK-5"
)

// CheckMaintenance judges the times of updates and restarts: in the quiet hours
// of the region, on its clocks (UPT-2).
func CheckMaintenance(field string, m Maintenance, zone string) []policy.Finding {
	c := &check{}
	for _, time := range []struct{ name, value string }{{"update_at", m.UpdateAt}, {"reboot_at", m.RebootAt}} {
		c.quiet(field+"."+time.name, time.value, zone)
	}
	return c.findings
}

// quiet judges a time of day on the clocks of the region itself, which are the
// same on every day.
func (c *check) quiet(field, text, zone string) {
	for _, f := range policy.CheckQuietHours(text, "", []catalog.Entry{{TimeZone: zone}}, time.Unix(0, 0)) {
		if f.Promise == policy.UPT2 && zone == "" {
			continue // reported where the zone stands
		}
		f.Field = field
		if f.Promise == policy.UPT2 {
			f.Summary = "Maintenance in business hours"
		}
		c.add(f)
	}
}
