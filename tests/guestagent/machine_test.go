package guestagent

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// canary begins every secret of these machines.
const canary = "canary-4711-"

// agentMachine is a machine with the real agent, real restic, curl, age and
// openssl, and the volume that its folder stands for.
type agentMachine struct {
	t          *testing.T
	python     string
	root, data string
	spec       guest.Spec
	env        []string
}

// tools are the programs that would change the host, or need a kernel that the
// test has not. They answer as a healthy machine's do.
var tools = map[string]string{
	// What is sealed is the third part, in base64: the agent opens whatever the
	// tool opens.
	"clevis":      `[ "$1" = decrypt ] || exit 1; cut -d. -f3 | base64 -d`,
	"systemctl":   `[ "$1" = list-units ] && echo "broken.service loaded failed failed A broken one"; exit 0`,
	"blockdev":    "echo 1073741824",
	"resize2fs":   "exit 0",
	"timedatectl": "exit 0",
	"nft":         "exit 0",
	"ss":          `echo 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))'; echo 'tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=1,fd=4))'`,
	"apt-get":     `echo 'Inst openssl [3.0.1] (3.0.2 Debian-Security:12/stable-security [amd64])'; echo 'Inst vim [1] (2 Debian:12/stable [amd64])'`,
	"blkid":       `printf 'DEVNAME=x\nUUID=0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13\nLABEL=holdfast-data\nVERSION=2\nTYPE=crypto_LUKS\n'`,
	"cryptsetup": `[ "$1" = luksDump ] || exit 1
echo '{"keyslots":{"1":{},"2":{}},"tokens":{"0":{"type":"holdfast-recovery","keyslots":["1"]},"1":{"type":"clevis","keyslots":["2"]}},"segments":{"0":{"encryption":"aes-xts-plain64"}}}'`,
	"dmsetup": `[ "$1" = table ] || exit 1; echo "0 2064384 crypt aes-xts-plain64 :64:logon:cryptsetup:x-d0 0 $(stat -c '%Hr:%Lr' /dev/null) 32768"`,
}

func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not on the PATH: tests/scripts/agent-tools installs it", program)
		}
	}
}

// newAgentMachine makes a machine whose volume is mounted at data.
func newAgentMachine(t *testing.T, data string, spec guest.Spec, environment ...string) *agentMachine {
	t.Helper()
	need(t, "restic", "curl", "openssl")
	dir := t.TempDir()
	m := &agentMachine{t: t, python: python(t), root: filepath.Join(dir, "root"), data: data, spec: spec}
	fake := filepath.Join(dir, "bin")
	for path, content := range map[string]string{
		"/proc/stat": "cpu 1\nbtime 1795300000\n", "/proc/sys/kernel/osrelease": "6.1.0-42-amd64\n",
		"/proc/sys/kernel/random/boot_id": "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13\n",
		"/etc/os-release":                 "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
		"/var/lib/dpkg/status":            "",
		"/usr/share/zoneinfo/UTC":         "",
		"/proc/self/mountinfo": "20 1 0:1 / /run rw - tmpfs tmpfs rw\n21 1 8:1 / / rw - ext4 /dev/sda1 rw\n" +
			"30 1 254:0 / " + m.data + " rw - ext4 /dev/mapper/holdfast-acme-data rw\n",
	} {
		m.write(filepath.Join(m.root, path), content, 0o644)
	}
	for name, script := range tools {
		m.write(filepath.Join(fake, name), "#!/bin/sh\n"+script+"\n", 0o755)
	}
	if err := os.MkdirAll(m.data, 0o755); err != nil {
		t.Fatal(err)
	}
	// /dev/null stands for the device: something with a number.
	m.spec.Volumes = []guest.Volume{{Name: "acme-data", Device: "/dev/null", Mount: m.data,
		Binding: guest.Binding{Tang: []guest.Tang{{URL: "http://127.0.0.1:1", Thumbprint: "x"}}, Threshold: 1}}}
	backup := *spec.Backup
	backup.Paths = []string{m.data}
	m.spec.Backup = &backup
	m.told()
	m.env = append([]string{"PATH=" + fake + ":" + os.Getenv("PATH"), "HOME=" + dir, "PYTHONDONTWRITEBYTECODE=1"}, environment...)
	return m
}

// told writes the spec to where the agent reads it.
func (m *agentMachine) told() {
	m.t.Helper()
	text, err := m.spec.JSON()
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(filepath.Join(m.root, guest.SpecPath), string(text), 0o600)
}

func (m *agentMachine) write(path, content string, mode os.FileMode) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		m.t.Fatal(err)
	}
}

// backup runs holdfast-backup; stdin is what a person types.
func (m *agentMachine) backup(stdin string, args ...string) (out, log string, err error) {
	return m.command("people", stdin, args...)
}

// guest runs holdfast-guest.
func (m *agentMachine) guest(args ...string) (out, log string, err error) {
	return m.command("guest", "", args...)
}

func (m *agentMachine) command(entry, stdin string, args ...string) (out, log string, err error) {
	m.t.Helper()
	start := fmt.Sprintf("import sys; sys.path.insert(0, %q); from holdfast.commands import %s; %s(sys.argv[1:])", agentDir(m.t), entry, entry)
	ctx, stop := context.WithTimeout(m.t.Context(), 10*time.Minute)
	defer stop()
	command := exec.CommandContext(ctx, m.python, append([]string{"-c", start, "--root", m.root}, args...)...)
	var stdout, stderr bytes.Buffer
	command.Env, command.Stdin, command.Stdout, command.Stderr = m.env, strings.NewReader(stdin), &stdout, &stderr
	err = command.Run()
	if strings.Contains(stdout.String()+stderr.String(), canary) {
		m.t.Errorf("%s %v tells a secret", entry, args)
	}
	return stdout.String(), stderr.String(), err
}

func (m *agentMachine) must(out, log string, err error) string {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("%v\n%s\n%s", err, out, log)
	}
	return out
}

// fill writes files into the volume and answers their contents by name.
func (m *agentMachine) fill(n int) map[string]string {
	m.t.Helper()
	files := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("folder %d/file-%d*[x]", i%3, i)
		files[name] = strings.Repeat(fmt.Sprintf("row %d of the tenant's data\n", i), 100*i+1)
		m.write(filepath.Join(m.data, name), files[name], 0o640)
	}
	return files
}

// holds compares the volume with what should be there.
func (m *agentMachine) holds(files map[string]string) {
	m.t.Helper()
	compare(m.t, m.data, files)
}

func compare(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if d.Name() == ".holdfast" {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil || string(content) != files[name] {
				t.Errorf("%s differs (%v)", name, err)
			}
			found[name] = true
		}
		return nil
	})
	if err != nil || len(found) != len(files) {
		t.Errorf("%s holds %d files, want %d (%v)", dir, len(found), len(files), err)
	}
}

// sealed is what the tests' clevis opens.
func sealed(secret string) guest.Sealed {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ECDH-ES","clevis":{"pin":"tang"}}`))
	return guest.Sealed{header + ".." + base64.StdEncoding.EncodeToString([]byte(secret)) + ".x.y"}
}

// keyFile is the key of a service account, and the place where Google would
// give a token for it: it looks at the signature and the claims.
func keyFile(t *testing.T, account, token string) (file string, asked func() int) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	count := make(chan int, 1)
	count <- 0
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.FormValue("assertion"), ".")
		if r.Method != http.MethodPost || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(parts) != 3 {
			http.Error(w, "invalid_grant", http.StatusBadRequest)
			return
		}
		signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) != nil || !strings.Contains(string(claims), account) {
			http.Error(w, "invalid_grant", http.StatusBadRequest)
			return
		}
		count <- 1 + <-count
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "expires_in": 3600, "token_type": "Bearer"})
	})
	server.Start()
	t.Cleanup(server.Close)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"type": "service_account", "project_id": "acme-prod", "private_key_id": "1", "client_email": account,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": server.URL + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	return string(text), func() int { n := <-count; count <- n; return n }
}
