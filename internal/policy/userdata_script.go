package policy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// sshdPassword are the directives of sshd_config that let passwords in.
var sshdPassword = regexp.MustCompile(`(?i)\b(PermitRootLogin|PasswordAuthentication|KbdInteractiveAuthentication|ChallengeResponseAuthentication|PermitEmptyPasswords)["']?[\s=]+["']?yes\b`)

// searched are patterns that a line looks for, rather than sets: the first
// half of sed's s command with one of its usual delimiters, and grep's
// arguments. Hardening scripts replace "PasswordAuthentication yes" this way.
var searched = []*regexp.Regexp{
	regexp.MustCompile(`\bs/(?:[^/\\]|\\.)*/`),
	regexp.MustCompile(`\bs\|(?:[^|\\]|\\.)*\|`),
	regexp.MustCompile(`\bs#(?:[^#\\]|\\.)*#`),
	regexp.MustCompile(`\bs,(?:[^,\\]|\\.)*,`),
	regexp.MustCompile(`\bs@(?:[^@\\]|\\.)*@`),
	regexp.MustCompile(`\b[ef]?grep\b[^|;&]*`),
}

// separators end a command in a shell line.
var separators = regexp.MustCompile("[|;&()`{}]+")

// script judges shell lines, for what they run and what they write.
func (c *userData) script(text, place string) { c.lines(text, place, true) }

// lines judges a script, or any other file (shell is false). Lines that begin
// with # are comments in scripts and in sshd's configuration.
func (c *userData) lines(text, place string, shell bool) {
	for n, line := range strings.Split(joinContinued(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		where := in(place, fmt.Sprintf("Line %d", n+1))
		c.directive(line, where)
		if !shell {
			continue
		}
		for _, command := range separators.Split(strings.NewReplacer(`"`, "", `'`, "").Replace(line), -1) {
			if how := setsPassword(strings.Fields(command)); how != "" {
				c.password(where, how)
			}
		}
	}
}

// directive judges one line as configuration of sshd.
func (c *userData) directive(line, where string) {
	for _, s := range searched {
		line = s.ReplaceAllString(line, " ")
	}
	if m := sshdPassword.FindStringSubmatch(line); m != nil {
		c.password(where, "turns on "+canonical(m[1])+" in sshd")
	}
}

// canonical is the documented spelling of a directive: it comes from a fixed
// list, so that no message repeats the text.
func canonical(directive string) string {
	for _, name := range []string{"PermitRootLogin", "PasswordAuthentication", "KbdInteractiveAuthentication", "ChallengeResponseAuthentication", "PermitEmptyPasswords"} {
		if strings.EqualFold(name, directive) {
			return name
		}
	}
	return "passwords"
}

// joinContinued puts continued lines together and keeps the numbering.
func joinContinued(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		head := i
		if strings.HasPrefix(strings.TrimSpace(lines[i]), "#") {
			continue // a comment ends with its line
		}
		var b strings.Builder
		for strings.HasSuffix(lines[i], `\`) && i+1 < len(lines) {
			b.WriteString(strings.TrimSuffix(lines[i], `\`) + " ")
			lines[i] = ""
			i++
		}
		if i > head {
			b.WriteString(lines[i])
			lines[i] = ""
			lines[head] = b.String()
		}
	}
	return strings.Join(lines, "\n")
}

// wrappers are commands whose arguments are another command.
var wrappers = []string{"sudo", "doas", "env", "xargs", "exec", "command", "nohup", "nice", "time", "timeout", "then", "do", "else", "if", "while", "!",
	"sh", "bash", "dash", "eval", "chroot", "in-target", "cloud-init-per"}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// setsPassword tells how a command sets or unlocks a password, in words that
// complete "Line 3 …"; empty if it does not.
func setsPassword(words []string) string {
	for len(words) > 0 {
		name := path.Base(words[0])
		switch {
		case words[0] == "-u" && len(words) > 1: // sudo -u USER
			words = words[2:]
			continue
		case slices.Contains(wrappers, name), assignment.MatchString(words[0]), strings.HasPrefix(words[0], "-"),
			strings.Trim(words[0], "0123456789.smhd") == "", words[0] == "/target":
			words = words[1:]
			continue
		}
		args := words[1:]
		switch name {
		case "chpasswd", "newusers":
			return "sets passwords with " + name
		case "passwd":
			if !slices.ContainsFunc(args, locks) {
				return "changes a password with passwd"
			}
		case "useradd", "usermod", "adduser":
			if givesPassword(args) {
				return "sets a password with " + name
			}
			if name == "usermod" && slices.ContainsFunc(args, func(a string) bool { return a == "-U" || a == "--unlock" }) {
				return "unlocks a password with usermod"
			}
		}
		return ""
	}
	return ""
}

// locks tells whether an argument makes passwd do something harmless: lock,
// expire, show the status, help.
func locks(arg string) bool {
	return slices.Contains([]string{"-l", "--lock", "-S", "--status", "-e", "--expire", "-h", "--help"}, arg)
}

// givesPassword tells whether the arguments of useradd or usermod carry a
// password's hash. "!" and "*" are no hashes: they lock the account.
func givesPassword(args []string) bool {
	for i, arg := range args {
		hash, inline := strings.CutPrefix(arg, "--password=")
		// In "-mp HASH" the last letter of a group takes the argument.
		grouped := len(arg) >= 2 && arg[0] == '-' && arg[1] != '-' && strings.HasSuffix(arg, "p")
		if !inline && arg != "--password" && !grouped {
			continue
		}
		if !inline && i+1 < len(args) {
			hash = args[i+1]
		}
		if hash == "" || strings.Trim(hash, `!*\`) != "" {
			return true
		}
	}
	return false
}
