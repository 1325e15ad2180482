package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// program finds a Debian tool, or skips the test: what it judges is judged once
// more by the machine that boots.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	t.Skipf("%s is not here: apt-get install %s", name, pkg)
	return ""
}

func TestSSHDTakesItsConfiguration(t *testing.T) {
	sshd := program(t, "sshd", "openssh-server")
	keygen := program(t, "ssh-keygen", "openssh-client")
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if out, err := exec.CommandContext(t.Context(), keygen, "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text := content(rendered(t), "/etc/ssh/sshd_config")
	text = strings.ReplaceAll(text, "/etc/ssh/ssh_host_ed25519_key", key)
	config := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		// The server's own check asks for this directory.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Skip(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), sshd, "-T", "-f", config, "-C", "user=a,host=b,addr=192.0.2.1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// What sshd makes of it, not what the file says.
	for _, want := range []string{
		"permitrootlogin no", "passwordauthentication no", "kbdinteractiveauthentication no", "allowgroups ssh-users",
		"authenticationmethods publickey", "x11forwarding no", "allowagentforwarding no", "allowtcpforwarding no", "maxauthtries 3",
		"requiredrsasize 3072",
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).Match(out) {
			t.Errorf("sshd does not say %q", want)
		}
	}
	for _, weak := range []string{"-cbc", "hmac-md5", "hmac-sha1", "ssh-dss", "group1-", "group14-sha1", "nistp256-sha", "3des"} {
		for line := range strings.Lines(string(out)) {
			for _, kind := range []string{"ciphers ", "macs ", "kexalgorithms ", "hostkeyalgorithms "} {
				if strings.HasPrefix(line, kind) && strings.Contains(line, weak) {
					t.Errorf("%s is offered: %s", weak, line)
				}
			}
		}
	}
}

func TestNftTakesTheRuleset(t *testing.T) {
	nft := program(t, "nft", "nftables")
	text := content(rendered(t), "/etc/nftables.conf")
	// Accounts of the machine that this one may not have.
	for _, user := range []string{`"systemd-resolve"`, `"_chrony"`} {
		if !strings.Contains(text, user) {
			t.Errorf("the rules do not name %s", user)
		}
		text = strings.ReplaceAll(text, user, "9999")
	}
	check := func(text string) (string, error) {
		file := filepath.Join(t.TempDir(), "nftables.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), nft, "-c", "-f", file).CombinedOutput()
		return string(out), err
	}
	if out, err := check("table inet t { }\n"); err != nil {
		t.Skipf("nft cannot check anything here (it asks the kernel, as root): %v: %s", err, out)
	}
	if out, err := check(text); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := check(strings.Replace(text, "policy drop", "policy dorp", 1)); err == nil {
		t.Error("nft takes a ruleset that is wrong: this test would notice nothing")
	}
}

func TestFirewallDeniesByDefault(t *testing.T) {
	text := content(rendered(t), "/etc/nftables.conf")
	for _, hook := range []string{"input", "forward", "output"} {
		if !regexp.MustCompile(`type filter hook ` + hook + ` priority filter; policy drop;`).MatchString(text) {
			t.Errorf("%s is not closed by default", hook)
		}
	}
	// The metadata service: root first, everybody else refused before any other
	// rule could let them through.
	root, refused := strings.Index(text, "ip daddr 169.254.169.254 meta skuid root accept"), strings.Index(text, "ip daddr 169.254.0.0/16 counter reject")
	established := strings.LastIndex(text, "ct state vmap")
	if root < 0 || refused < root || established < refused {
		t.Errorf("the metadata address is not root's alone: accept at %d, reject at %d, established at %d", root, refused, established)
	}
	if got := strings.Count(text, "dport 22"); got != 1 {
		t.Errorf("%d rules name port 22", got)
	}
}

func TestAuditRulesAreWellFormed(t *testing.T) {
	rule := regexp.MustCompile(`^(-D|-b \d+|--backlog_wait_time \d+|-f [012]|-e [012]|` +
		`-w /\S+ -p [rwxa]+ -k [\w-]+|` +
		`-a always,exit( -F arch=b(32|64) -S [a-z_0-9]+(,[a-z_0-9]+)*| -F path=/\S+)( -[FC] \S+)* -F key=[\w-]+)$`)
	plan, rules := rendered(t), 0
	for _, f := range plan.Files {
		if !strings.HasPrefix(f.Path, "/etc/audit/rules.d/") {
			continue
		}
		for line := range strings.Lines(f.Content) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if rules++; !rule.MatchString(line) {
				t.Errorf("%s: %q", f.Path, line)
			}
			if strings.Contains(line, "arch=b64") && !strings.Contains(f.Content, strings.Replace(line, "arch=b64", "arch=b32", 1)) &&
				!strings.Contains(line, "adjtimex") {
				t.Errorf("%q has no partner for 32-bit programs", line)
			}
		}
	}
	if rules < 80 {
		t.Errorf("only %d rules", rules)
	}
}

// Every script has to be one that the machine's shell can read.
func TestScriptsParse(t *testing.T) {
	sh := program(t, "sh", "dash")
	plan := rendered(t, "postgresql")
	scripts := map[string]string{"profile.sh": plan.Script()}
	for _, f := range plan.Files {
		if strings.HasPrefix(f.Content, "#!/bin/sh") {
			scripts[f.Path] = f.Content
		}
	}
	if len(scripts) < 4 {
		t.Errorf("only %d scripts found", len(scripts))
	}
	for name, text := range scripts {
		command := exec.CommandContext(t.Context(), sh, "-n")
		command.Stdin = strings.NewReader(text)
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// A unit that is enabled comes from the profile or from a package that the
// profile installs; the ones of the profile have to be there.
func TestUnitsOfTheProfileExist(t *testing.T) {
	plan := rendered(t, "postgresql")
	for _, c := range plan.Concerns {
		for _, unit := range c.Units.Enable {
			if !strings.HasPrefix(unit, "holdfast-") && !strings.HasPrefix(unit, "aidecheck") && unit != "tmp.mount" {
				continue
			}
			text := content(plan, "/usr/lib/systemd/system/"+unit) + content(plan, "/etc/systemd/system/"+unit)
			if !strings.Contains(text, "[Install]\n") {
				t.Errorf("%s enables %s, of which the profile has no unit file with an [Install] section", c.Name, unit)
			}
		}
	}
}
