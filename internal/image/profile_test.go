package image

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func rendered(t *testing.T, roles ...string) Plan {
	t.Helper()
	concerns, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	params := Defaults()
	params.Roles = roles
	plan, err := Render(concerns, params)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestLoad(t *testing.T) {
	concerns, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(concerns) < 15 {
		t.Errorf("only %d concerns", len(concerns))
	}
	if got := Roles(concerns); !slices.Equal(got, []string{"postgresql"}) {
		t.Errorf("roles %q", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	const good = "name: a\nreason: a sentence of a reason\npromises: [SYS-1]\n"
	for name, test := range map[string]struct{ files, want string }{
		"unknown key":     {good + "colour: red\n", "colour"},
		"wrong name":      {strings.Replace(good, "name: a", "name: b", 1), `its name is "b"`},
		"no reason":       {"name: a\npromises: [SYS-1]\n", "the reason has 0 characters"},
		"unknown promise": {strings.Replace(good, "SYS-1", "SYS-9", 1), `"SYS-9" is no promise`},
		"no promise":      {"name: a\nreason: a sentence of a reason\n", "it serves no promise"},
		"world writable":  {good + "files: [{path: /a, mode: '0666', reason: a sentence of it, content: \"x\\n\"}]\n", "others may write"},
		"setuid":          {good + "files: [{path: /a, mode: '4755', reason: a sentence of it, content: \"x\\n\"}]\n", "special bit"},
		"relative path":   {good + "files: [{path: etc/a, reason: a sentence of it, content: \"x\\n\"}]\n", "not absolute"},
		"no newline":      {good + "files: [{path: /a, reason: a sentence of it, content: x}]\n", "its last line does not end"},
		"file, no reason": {good + "files: [{path: /a, content: \"x\\n\"}]\n", "/a: the reason has 0"},
		"two owners":      {good + "files: [{path: /a, reason: a sentence of it, content: \"x\\n\"}, {path: /a, reason: a sentence of it, content: \"y\\n\"}]\n", "belongs to a already"},
		"unit":            {good + "units: {enable: [ssh]}\n", `"ssh" is no name of a systemd unit`},
		"package":         {good + "packages: ['a b']\n", "is no name of a package"},
		"empty command":   {good + "commands: [{reason: a sentence of it, run: ' '}]\n", "runs nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(fstest.MapFS{"profile/a.yaml": {Data: []byte(test.files)}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestRender(t *testing.T) {
	plain, role := rendered(t), rendered(t, "postgresql")
	if slices.Contains(plain.Packages, "postgresql-15") || !slices.Contains(role.Packages, "postgresql-15") {
		t.Error("the role's packages belong to images with the role, and to no other")
	}
	for _, f := range role.Files {
		if strings.Contains(f.Content, "{{") || strings.Contains(f.Content, "<no value>") {
			t.Errorf("%s is not filled in:\n%s", f.Path, f.Content)
		}
	}
	params := Defaults()
	params.UpdateAt, params.Attempts = "01:30", 7
	concerns, _ := Load()
	plan, err := Render(concerns, params)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/etc/systemd/system/apt-daily-upgrade.timer.d/50-holdfast.conf": "OnCalendar=*-*-* 01:30 UTC",
		"/etc/fail2ban/jail.d/50-holdfast.local":                         "maxretry = 7",
		"/etc/apt/sources.list":                                          "debian-security bookworm-security main",
	} {
		if text := content(plan, path); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", path, want, text)
		}
	}
}

func TestParamsCheck(t *testing.T) {
	concerns, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Params){
		"not for \"trixie\"": func(p *Params) { p.Suite = "trixie" },
		"amd64 only":         func(p *Params) { p.Arch = "arm64" },
		"quiet hours":        func(p *Params) { p.UpdateAt = "25:00" },
		"1 or more":          func(p *Params) { p.Attempts = 0 },
		"role \"mail\"":      func(p *Params) { p.Roles = []string{"mail"} },
	} {
		params := Defaults()
		change(&params)
		if _, err := Render(concerns, params); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func content(plan Plan, path string) string {
	for _, f := range plan.Files {
		if f.Path == path {
			return f.Content
		}
	}
	return ""
}
