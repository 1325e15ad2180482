package policy

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

const (
	setsUp     = "SYS-3 user_data | User data set up a password | "
	unreadable = "SYS-3 user_data | User data cannot be checked | "
)

func TestCheckUserDataForm(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		maxBytes   int
		want       []string
	}{
		{"none", "", 1, nil},
		{"cloud-config", "#cloud-config\npackages: [nginx]\n", 100, nil},
		{"only the mark", "#cloud-config\n", 0, nil},
		{"white space first", "\n  #Cloud-Config\npackages: [nginx]\n", 0, nil},
		{"script", "#!/bin/sh\necho hello\n", 0, nil},
		{"boothook", "#cloud-boothook\n#!/bin/sh\necho hello\n", 0, nil},
		{"just as long", "#!/bin/sh\n", 10, nil},
		{"too long", "#!/bin/sh\n", 9, []string{"- user_data | User data too long | have 10 bytes; the cloud takes at most 9 | into the image"}},
		{"prose", "hello", 0, []string{"- user_data | User data of unknown form | The document begins with none of the marks | Begin with the line #cloud-config"}},
		{"byte order mark", "\ufeff#cloud-config\n", 0, []string{"- user_data | User data of unknown form"}},
		{"YAML without the mark", "packages: [nginx]\n", 0, []string{"- user_data | User data of unknown form"}},
		{"binary", "\x1f\x8b\x08", 0, []string{"- user_data | User data are not text | not UTF-8 text"}},
		{"null byte", "#!/bin/sh\n\x00", 0, []string{"- user_data | User data are not text"}},
		{"not UTF-8", "#!/bin/sh\necho \xff", 0, []string{"- user_data | User data are not text"}},
		{"a list", "#cloud-config\n- a\n", 0, []string{"- user_data | User data of unknown form | is cloud-config, but not a mapping"}},
		{"broken YAML", "#cloud-config\npackages: [nginx\n", 0, []string{unreadable + "The document is not well-formed YAML"}},
		{"two documents", "#cloud-config\na: 1\n---\npassword: x\n", 0, []string{unreadable + "YAML of one document"}},
		{"Windows line ends", "#!/bin/sh\r\necho hello\r\n", 0, []string{"- user_data | Script with Windows line ends | would not find the interpreter | LF only"}},
		{"include", "#include\nhttps://example.com/setup\n", 0, []string{unreadable + "fetched from somewhere else at boot"}},
		{"include once", "#include-once https://example.com/setup\n", 0, []string{unreadable + "fetched"}},
		{"part handler", "#part-handler\ndef list_types(): return []\n", 0, []string{unreadable + "code that handles other parts"}},
		{"JSON patch", "#cloud-config-jsonp\n[]\n", 0, []string{unreadable + "is a JSON patch"}},
		{"template", "## template: jinja\n#cloud-config\nhostname: \"{{ v1.local_hostname }}\"\n", 0, nil},
		{"template with a password", "## template: jinja\n#cloud-config\npassword: x\n", 0, []string{setsUp + "password sets the default user's password"}},
		{"template with statements", "## template: jinja\n#cloud-config\n{% if x %}\na: 1\n{% endif %}\n", 0, []string{unreadable + "template with statements"}},
		{"nested templates", strings.Repeat("## template: jinja\n", 9) + "#!/bin/sh\n", 0, []string{unreadable + "nested too deep"}},
	} {
		t.Run(tc.name, func(t *testing.T) { expect(t, CheckUserData(tc.text, tc.maxBytes), tc.want...) })
	}
}

func TestCheckUserDataCloudConfig(t *testing.T) {
	good, _ := ed25519Line(t)
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	zip := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		return base64.StdEncoding.EncodeToString(b.Bytes())
	}
	file := func(path, encoding, content string) string {
		return fmt.Sprintf("write_files:\n- path: %s\n  encoding: %q\n  content: %q\n", path, encoding, content)
	}
	const sshd = "PermitRootLogin yes\n"
	for _, tc := range []struct{ name, text, want string }{
		{"ssh_pwauth off", "ssh_pwauth: false", ""},
		{"ssh_pwauth unchanged", "ssh_pwauth: unchanged", ""},
		{"chpasswd that sets nothing", "chpasswd: {expire: false}", ""},
		{"empty chpasswd", "chpasswd:", ""},
		{"empty password", "password:", ""},
		{"users with keys", "users:\n- default\n- name: ada\n  lock_passwd: true\n  ssh_authorized_keys: [\"" + good + "\"]", ""},
		{"locked by its hash", "users: [{name: ada, passwd: '!'}, {name: bob, hashed_passwd: '*'}]", ""},
		{"password word elsewhere", "write_files: [{path: /etc/motd, content: 'passwd is not used here'}]\nfinal_message: chpasswd", ""},
		{"hardening", "runcmd:\n- sed -i 's/^#\\?PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config\n- [passwd, -l, root]\n- usermod -p '*' root\n- passwd --status root", ""},
		{"search for it", "runcmd:\n- grep -q 'PermitRootLogin yes' /etc/ssh/sshd_config && exit 1", ""},
		{"commented out", file("/etc/ssh/sshd_config", "", "#PermitRootLogin yes\nPasswordAuthentication no\n"), ""},
		{"root by key", file("/etc/ssh/sshd_config", "", "PermitRootLogin prohibit-password\n"), ""},
		{"binary file", file("/opt/blob", "b64", b64("\xff\xfe\x00binary")), ""},
		{"authorized key with options", "ssh_authorized_keys: ['restrict,command=\"/bin/backup\" " + good + "']", ""},

		{"password", "password: hunter2-hunter2", setsUp + "password sets the default user's password. Machines are managed | ssh_key_ids"},
		{"chpasswd list", "chpasswd: {list: 'root:hunter2-hunter2'}", setsUp + "chpasswd.list sets passwords"},
		{"chpasswd users", "chpasswd:\n  users: [{name: root, password: hunter2-hunter2, type: text}]", setsUp + "chpasswd.users sets passwords"},
		{"chpasswd text", "chpasswd: 'root:hunter2-hunter2'", setsUp + "chpasswd sets passwords"},
		{"ssh_pwauth", "ssh_pwauth: true", setsUp + "ssh_pwauth lets sshd accept passwords"},
		{"ssh_pwauth of YAML 1.1", "ssh_pwauth: YES", setsUp + "ssh_pwauth lets"},
		{"ssh_pwauth as text", "ssh_pwauth: 'on'", setsUp + "ssh_pwauth lets"},
		{"ssh_pwauth as number", "ssh_pwauth: 1", setsUp + "ssh_pwauth lets"},
		{"hyphen for underscore", "ssh-pwauth: true", setsUp + "ssh_pwauth lets"},
		{"user's hash", "users: [default, {name: ada, passwd: '$6$abcdefgh$ijklmnop'}]", setsUp + "users[1].passwd sets a user's password"},
		{"user's clear text", "users: [{name: ada, plain_text_passwd: hunter2-hunter2}]", setsUp + "users[0].plain_text_passwd sets"},
		{"hashed_passwd", "users: [{name: ada, hashed-passwd: '$6$abcdefgh$ijklmnop'}]", setsUp + "users[0].hashed_passwd sets"},
		{"unlocked", "users: [{name: ada, lock_passwd: false}]", setsUp + "users[0].lock_passwd unlocks"},
		{"the one user", "user: {name: ada, passwd: '$6$abcdefgh$ijklmnop'}", setsUp + "user.passwd sets"},
		{"by an alias", "x: &p {name: ada, passwd: '$6$abcdefgh$ijklmnop'}\nusers: [*p]", setsUp + "users[0].passwd sets"},
		{"by a merge key", "x: &p {passwd: '$6$abcdefgh$ijklmnop'}\nusers: [{<<: *p, name: ada}]", setsUp + "users[0].passwd sets"},
		{"by a list of merges", "x: &p {passwd: '$6$abcdefgh$ijklmnop'}\ny: &q {gecos: A}\nusers: [{<<: [*q, *p], name: ada}]", setsUp + "users[0].passwd sets"},
		{"at the top by a merge key", "x: &p {ssh_pwauth: true}\n<<: *p", setsUp + "ssh_pwauth lets"},
		{"key twice", "ssh_pwauth: false\nssh_pwauth: true", setsUp + "ssh_pwauth lets"},
		{"host key", "ssh_keys: {ed25519_private: 'hunter2-hunter2'}", "SYS-3 user_data | Private key in user data | ssh_keys gives the machine a host key | makes its own host keys"},
		{"weak key", "ssh_authorized_keys: [" + good + ", " + rsaLine(t, 2048) + "]", "SYS-3 user_data | SSH key too weak | ssh_authorized_keys, key 2: The key is RSA with 2048 bits"},
		{"user's weak key", "users: [{name: ada, ssh_authorized_keys: [" + rsaLine(t, 1024) + "]}]", "SYS-3 user_data | SSH key too weak | users[0].ssh_authorized_keys, key 1"},
		{"imported keys", "ssh_import_id: [gh:ada]", "SYS-3 user_data | SSH keys fetched at boot | ssh_import_id lets in | ssh_key_ids"},
		{"user's imported keys", "users: [{name: ada, ssh_import_id: 'gh:ada'}]", "SYS-3 user_data | SSH keys fetched at boot | users[0].ssh_import_id"},
		{"command", "runcmd:\n- echo hello\n- echo root:hunter2-hunter2 | chpasswd", setsUp + "Line 1 of runcmd[1] sets passwords with chpasswd"},
		{"command in words", "bootcmd:\n- [sh, -c, 'echo root:hunter2-hunter2 | /usr/sbin/chpasswd']", setsUp + "Line 1 of bootcmd[0] sets passwords with chpasswd"},
		{"script in words", "runcmd:\n- [bash, -c, \"true\\nPASS=x passwd root\"]", setsUp + "Line 2 of runcmd[0] changes a password with passwd"},
		{"sshd by command", "runcmd:\n- sed -i 's/.*PermitRootLogin.*/PermitRootLogin yes/' /etc/ssh/sshd_config", setsUp + "Line 1 of runcmd[0] turns on PermitRootLogin in sshd"},
		{"sshd file", file("/etc/ssh/sshd_config.d/1.conf", "", "Port 22\npasswordauthentication yes\n"), setsUp + "Line 2 of write_files[0] turns on PasswordAuthentication in sshd"},
		{"sshd file in base64", file("/etc/ssh/sshd_config", "b64", b64(sshd)), setsUp + "Line 1 of write_files[0] turns on PermitRootLogin"},
		{"sshd file in gzip", file("/etc/ssh/sshd_config", "gz+b64", zip(sshd)), setsUp + "Line 1 of write_files[0] turns on PermitRootLogin"},
		{"sshd file as binary", "write_files:\n- content: !!binary " + b64(sshd), setsUp + "Line 1 of write_files[0] turns on PermitRootLogin"},
		{"script file", file("/opt/x", "", "#!/bin/sh\npasswd -d root\n"), setsUp + "Line 2 of write_files[0] changes a password with passwd"},
		{"script file by name", file("/opt/x.sh", "", "newusers list\n"), setsUp + "Line 1 of write_files[0] sets passwords with newusers"},
		{"file that does not decode", file("/x", "b64", "%%%"), unreadable + "write_files[0] holds a file that cannot be decoded"},
		{"file that does not unzip", file("/x", "gzip", "plain"), unreadable + "write_files[0] holds"},
		{"unknown encoding", file("/x", "rot13", "cynva"), unreadable + "write_files[0] holds"},
		{"huge when unzipped", file("/x", "gz+b64", zip(strings.Repeat("x", maxDecodedBytes+1))), unreadable + "write_files[0] holds"},
		{"anchor in itself", "a: &a [*a]", unreadable + "not well-formed"},
		{"billion laughs", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]",
			unreadable + "not well-formed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := CheckUserData("#cloud-config\n"+tc.text+"\n", 0)
			if tc.want == "" {
				expect(t, got)
				return
			}
			expect(t, got, tc.want)
			for _, f := range got {
				for _, secret := range []string{"hunter2", "ijklmnop"} {
					if strings.Contains(f.Error(), secret) {
						t.Errorf("the message repeats a secret: %s", f.Error())
					}
				}
			}
		})
	}
}

func TestCheckUserDataScript(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"lock", "passwd -l root", ""},
		{"lock by usermod", "usermod --password='!' root", ""},
		{"file of that name", "cat /etc/passwd | wc -l; chmod 644 /etc/passwd", ""},
		{"package of that name", "apt-get install -y passwd", ""},
		{"user without password", "useradd -m -s /bin/bash ada && adduser --disabled-password bob", ""},
		{"comment", "# echo root:x | chpasswd", ""},
		{"word in quotes", "echo 'do not use chpasswd'", ""},
		{"variable", "echo ${PASSWD}", ""},

		{"chpasswd", "echo \"root:$PW\" | sudo chpasswd -e", "Line 2 sets passwords with chpasswd"},
		{"after a test", "if [ -f /x ]; then chpasswd < /x; fi", "Line 2 sets passwords with chpasswd"},
		{"in a substitution", "x=$(chpasswd < /x)", "Line 2 sets passwords with chpasswd"},
		{"by xargs", "cat /x | xargs -n 1 chpasswd", "Line 2 sets passwords with chpasswd"},
		{"with a time limit", "timeout 30s passwd ada", "Line 2 changes a password with passwd"},
		{"as another user", "sudo -u root passwd ada", "Line 2 changes a password with passwd"},
		{"piped to passwd", "printf 'x\\nx\\n' | passwd root", "Line 2 changes a password with passwd"},
		{"delete", "passwd -d root", "Line 2 changes a password with passwd"},
		{"hash", "useradd -m -p '$6$x$y' ada", "Line 2 sets a password with useradd"},
		{"grouped", "useradd -mp '$6$x$y' ada", "Line 2 sets a password with useradd"},
		{"long option", "usermod --password='$6$x$y' root", "Line 2 sets a password with usermod"},
		{"long option apart", "usermod --password $6$x root", "Line 2 sets a password with usermod"},
		{"unlock", "usermod -U root", "Line 2 unlocks a password with usermod"},
		{"continued", "echo root:x \\\n  | \\\n  chpasswd", "Line 2 sets passwords with chpasswd"},
		{"after a comment with a backslash", "# note \\\nchpasswd < /x", "Line 3 sets passwords with chpasswd"},
		{"sshd", "echo 'PasswordAuthentication yes' >> /etc/ssh/sshd_config", "Line 2 turns on PasswordAuthentication in sshd"},
		{"sshd option", "/usr/sbin/sshd -o PermitRootLogin=yes", "Line 2 turns on PermitRootLogin in sshd"},
		{"keyboard-interactive", "echo KbdInteractiveAuthentication yes", "Line 2 turns on KbdInteractiveAuthentication in sshd"},
		{"challenge-response", "echo ChallengeResponseAuthentication yes", "Line 2 turns on ChallengeResponseAuthentication in sshd"},
		{"empty passwords", "echo PermitEmptyPasswords yes", "Line 2 turns on PermitEmptyPasswords in sshd"},
		{"sed with another delimiter", "sed -i 's|PermitRootLogin no|PermitRootLogin yes|' x", "Line 2 turns on PermitRootLogin in sshd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := CheckUserData("#!/bin/bash\n"+tc.text+"\n", 0)
			if tc.want == "" {
				expect(t, got)
				return
			}
			expect(t, got, setsUp+tc.want)
		})
	}
	for _, sed := range []string{"s/A yes/B/", "s|A yes|B|", "s#A yes#B#", "s,A yes,B,", "s@A yes@B@"} {
		text := strings.ReplaceAll(strings.ReplaceAll(sed, "A", "PermitRootLogin"), "B", "PermitRootLogin no")
		expect(t, CheckUserData("#!/bin/sh\nsed -i '"+text+"' /etc/ssh/sshd_config\n", 0))
	}
	// One finding a place, however often.
	expect(t, CheckUserData("#!/bin/sh\nchpasswd < a; chpasswd < b\n", 0), setsUp+"Line 2 sets")
	expect(t, CheckUserData("#!/bin/sh\nchpasswd < a\nchpasswd < b\n", 0), setsUp+"Line 2 sets", setsUp+"Line 3 sets")
}

func mimeArchive(parts ...string) string {
	return "Content-Type: multipart/mixed; boundary=\"XX\"\nMIME-Version: 1.0\n\n--XX\n" + strings.Join(parts, "\n--XX\n") + "\n--XX--\n"
}

func TestCheckUserDataArchives(t *testing.T) {
	const config, script = "Content-Type: text/cloud-config\n\npackages: [nginx]", "Content-Type: text/x-shellscript\n\n#!/bin/sh\ntrue"
	encoded := base64.StdEncoding.EncodeToString([]byte("ssh_pwauth: true\n"))
	for _, tc := range []struct{ name, text, want string }{
		{"good", mimeArchive(config, script), ""},
		{"Windows line ends", strings.ReplaceAll(mimeArchive(config, script), "\n", "\r\n"), ""},
		{"plain parts", mimeArchive("Content-Type: text/plain\n\n#cloud-config\na: 1"), ""},
		{"one part without a list", "MIME-Version: 1.0\nContent-Type: text/cloud-config\n\na: 1\n", ""},
		{"template part", mimeArchive("Content-Type: text/jinja2\n\n## template: jinja\n#cloud-config\na: 1"), ""},
		{"password", mimeArchive(script, "Content-Type: text/cloud-config\n\npassword: x"), setsUp + "password of Part 2 sets"},
		{"user", mimeArchive("Content-Type: text/cloud-config\n\nusers: [{passwd: x}]"), setsUp + "users[0].passwd of Part 1 sets"},
		{"script", mimeArchive("Content-Type: text/x-shellscript\n\n#!/bin/sh\nchpasswd"), setsUp + "Line 2 of Part 1 sets"},
		{"cloud-config said to be a script", mimeArchive("Content-Type: text/x-shellscript\n\n#cloud-config\npassword: x"), setsUp + "password of Part 1 sets"},
		{"template part with a password", mimeArchive("Content-Type: text/jinja2\n\n## template: jinja\n#cloud-config\npassword: x"), setsUp + "password of Part 1"},
		{"base64", mimeArchive("Content-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n" + encoded[:8] + "\n" + encoded[8:]), setsUp + "ssh_pwauth of Part 1 lets"},
		{"quoted-printable", mimeArchive("Content-Type: text/cloud-config\nContent-Transfer-Encoding: quoted-printable\n\nssh_pw=61uth: true"), setsUp + "ssh_pwauth of Part 1 lets"},
		{"nested", mimeArchive("Content-Type: multipart/mixed; boundary=YY\n\n--YY\nContent-Type: text/cloud-config\n\npassword: x\n--YY--"), setsUp + "password of Part 1 of Part 1"},
		{"private key in base64", mimeArchive("Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n# AGE-SECRET-KEY-1QQQ"))),
			"SYS-3 user_data | Private key in user data | Part 1 holds an age identity"},
		{"unknown encoding", mimeArchive("Content-Type: text/cloud-config\nContent-Transfer-Encoding: rot13\n\na: 1"), unreadable + "Part 1 cannot be decoded"},
		{"broken base64", mimeArchive("Content-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n%%%%"), unreadable + "Part 1 cannot be decoded"},
		{"not text inside", mimeArchive("Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n/w=="), unreadable + "Part 1 cannot be decoded"},
		{"include", mimeArchive("Content-Type: text/x-include-url\n\nhttps://example.com/"), unreadable + "Part 1 has a MIME type that is fetched, executed or unknown"},
		{"no type", mimeArchive("Content-Disposition: attachment\n\n#!/bin/sh"), unreadable + "Part 1 has no readable Content-Type"},
		{"no parts", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n--XX--\n", unreadable + "is not a well-formed MIME archive"},
		{"no boundary", "MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nx\n", unreadable + "is not a well-formed MIME archive"},
		{"broken header", "MIME-Version: 1.0\nno colon\n\nx", unreadable + "is not a well-formed MIME message"},
		{"too many parts", mimeArchive(strings.Split(strings.TrimSuffix(strings.Repeat(config+"|", 300), "|"), "|")...), unreadable + "is not a well-formed MIME archive"},
		{"cloud-config archive", "#cloud-config-archive\n- type: text/cloud-config\n  content: 'a: 1'\n- \"#!/bin/sh\"\n", ""},
		{"password in it", "#cloud-config-archive\n- content: |\n    #cloud-config\n    password: x\n", setsUp + "password of Part 1"},
		{"script in it", "#cloud-config-archive\n- |\n  #!/bin/sh\n  chpasswd\n", setsUp + "Line 2 of Part 1"},
		{"no list", "#cloud-config-archive\na: 1\n", unreadable + "is not a well-formed list"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := CheckUserData(tc.text, 0)
			if tc.want == "" {
				expect(t, got)
				return
			}
			expect(t, got, tc.want)
		})
	}
	deep := "#cloud-config\npassword: x\n"
	for range 7 {
		deep = "#cloud-config-archive\n- |\n  " + strings.ReplaceAll(deep, "\n", "\n  ") + "\n"
	}
	got := CheckUserData(deep, 0)
	if len(got) != 1 || !strings.Contains(got[0].Detail, "nested too deep") {
		t.Errorf("deep nesting: %v", got)
	}
}

func TestCheckUserDataPrivateKeys(t *testing.T) {
	for name, text := range privateKeys(t) {
		t.Run(name, func(t *testing.T) {
			for _, whole := range []string{
				"#!/bin/sh\ncat > key <<EOF\n" + text + "\nEOF\n",
				"#cloud-config\n# " + strings.ReplaceAll(text, "\n", "\n# ") + "\n",
				"#cloud-config\nwrite_files:\n- encoding: b64\n  content: " + base64.StdEncoding.EncodeToString([]byte(text)) + "\n",
			} {
				got := CheckUserData(whole, 0)
				found := false
				for _, f := range got {
					wellFormed(t, f)
					found = found || (f.Promise == SYS3 && f.Summary == "Private key in user data")
					for _, word := range strings.Fields(text) {
						if len(word) > 12 && strings.Contains(f.Error(), word) {
							t.Errorf("the message repeats %q", word)
						}
					}
				}
				// Behind "# " a key is not told from prose once its lines are broken up.
				if !found && !strings.Contains(name, "wrapped") {
					t.Errorf("not found in %.20q", whole)
				}
			}
		})
	}
}

func FuzzCheckUserData(f *testing.F) {
	f.Add("#cloud-config\nusers: [{name: ada, passwd: x}]\n")
	f.Add("#cloud-config\nx: &a {b: *a}\n<<: *a\n")
	f.Add("#!/bin/sh\necho root:x | chpasswd \\\n")
	f.Add(mimeArchive("Content-Type: text/cloud-config\n\na: 1", "Content-Type: text/jinja2\n\n## template: jinja\n#!/bin/sh"))
	f.Add("#cloud-config-archive\n- content: '#!/bin/sh'\n  type: text/x-shellscript\n")
	f.Add("#cloud-config\nwrite_files: [{content: H4sIAAAAAAAA/wMAAAAAAAAAAAA=, encoding: gz+b64}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := CheckUserData(text, 32768)
		for _, finding := range got {
			wellFormed(t, finding)
			if finding.Field != "user_data" {
				t.Fatalf("%+v", finding)
			}
		}
		// One more forbidden line is never hidden by what stands before it.
		if strings.HasPrefix(text, "#!") && len(got) == 0 {
			if after := CheckUserData(text+"\n:\nchpasswd\n", 0); len(after) == 0 {
				t.Fatal("a script with chpasswd passed")
			}
		}
	})
}
