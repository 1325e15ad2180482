package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/spf13/pflag"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// running is a `holdfast sim` under test.
type running struct {
	t         *testing.T
	addresses map[string]string
	stop      func() int // stops it and returns the exit code
}

// startSim runs the command with any free port and waits until it has
// announced itself.
func startSim(t *testing.T, args ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code <- Run(ctx, Options{
			Args:   append([]string{"sim", "--json", "--listen", "127.0.0.1:0"}, args...),
			Stdout: writer,
			Stderr: &stderr,
		})
		writer.Close()
	}()
	r := running{t: t, addresses: make(map[string]string)}
	if err := json.NewDecoder(reader).Decode(&r.addresses); err != nil {
		cancel()
		t.Fatalf("no announcement: %v; exit code %d, stderr:\n%s", err, <-code, stderr.String())
	}
	r.stop = func() int {
		cancel()
		select {
		case c := <-code:
			code <- c
			return c
		case <-time.After(2 * stopTimeout):
			t.Fatal("it does not stop")
			return 0
		}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// request sends one to the vendor's API and returns status and body.
func (r running) request(method, path, token, body string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.addresses["hetzner_endpoint"]+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

const key = `{"name": "ada", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"}`

func TestSimKeepsData(t *testing.T) {
	data := filepath.Join(t.TempDir(), "region.simcloud.db")

	first := startSim(t, "--data", data)
	token := first.addresses["hetzner_token"]
	if len(token) != 64 {
		t.Errorf("the token %q has not the vendor's 64 characters", token)
	}
	if status, body := first.request("POST", "/ssh_keys", token, key); status != http.StatusCreated {
		t.Fatalf("status %d: %s", status, body)
	}
	if code := first.stop(); code != ExitOK {
		t.Fatalf("exit code %d after a stop", code)
	}

	second := startSim(t, "--data", data)
	if _, body := second.request("GET", "/ssh_keys", token, ""); !strings.Contains(body, `"ada"`) {
		t.Errorf("the key is gone after a restart: %s", body)
	}
}

func TestSimFlagsReachTheSimulation(t *testing.T) {
	sim := startSim(t,
		"--token", "mine=acme", "--read-only-token", "audit=acme", "--limit", "ssh_key=0",
		"--fault", "error,path=/locations,status=502", "--rate-limit", "7200")
	if got := sim.addresses["hetzner_token"]; got != "mine" {
		t.Errorf("announces the token %q", got)
	}
	tests := map[string]struct {
		method, path, token, body string
		status                    int
		contains                  string
	}{
		"a token of the list":    {"GET", "/ssh_keys", "mine", "", 200, "ssh_keys"},
		"another token":          {"GET", "/ssh_keys", "other", "", 401, "unauthorized"},
		"a token that may read":  {"POST", "/ssh_keys", "audit", key, 401, "token_readonly"},
		"a limit of no keys":     {"POST", "/ssh_keys", "mine", key, 403, "resource_limit_exceeded"},
		"a fault from the start": {"GET", "/locations", "mine", "", 502, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, body := sim.request(test.method, test.path, test.token, test.body)
			if status != test.status || !strings.Contains(body, test.contains) {
				t.Errorf("status %d, want %d with %q: %s", status, test.status, test.contains, body)
			}
		})
	}
}

// TestSimObjectStores asks the object stores with the keys of the flags.
func TestSimObjectStores(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	sim := startSim(t, "--s3-key", "MINE:secret=42", "--names-listen", "127.0.0.1:0", "--names-ca", ca)
	if pem, err := os.ReadFile(ca); err != nil || !strings.Contains(string(pem), "CERTIFICATE") || sim.addresses["ssl_cert_file"] != ca {
		t.Errorf("the certificate is %q, %v; announced %v", pem, err, sim.addresses)
	}
	if !strings.HasPrefix(sim.addresses["https_proxy"], "http://127.0.0.1:") {
		t.Errorf("announces %v", sim.addresses)
	}
	if sim.addresses["s3_access_key"] != "MINE" || sim.addresses["s3_secret_key"] != "secret" {
		t.Errorf("announces %v", sim.addresses)
	}
	core, err := minio.NewCore(strings.TrimPrefix(sim.addresses["s3_endpoint_hel1"], "http://"), &minio.Options{
		Region: "hel1", Creds: credentials.NewStaticV4("MINE", "secret", "")})
	if err != nil {
		t.Fatal(err)
	}
	if err := core.MakeBucket(t.Context(), "acme-north", minio.MakeBucketOptions{Region: "hel1"}); err != nil {
		t.Error(err)
	}
	response, err := http.Get(sim.addresses["storage_endpoint"] + "b/acme-nothing")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("Cloud Storage answers %d", response.StatusCode)
	}
}

func TestFollowingPorts(t *testing.T) {
	got := followingPorts("127.0.0.1:8700")
	want := map[string]string{"fsn1": "127.0.0.1:8701", "nbg1": "127.0.0.1:8702", "hel1": "127.0.0.1:8703"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := followingPorts("127.0.0.1:0"); len(got) != 0 {
		t.Errorf("an open port is followed by %v", got)
	}
}

func TestSimRefuses(t *testing.T) {
	tests := map[string]struct {
		args   []string
		code   int
		stderr string
	}{
		"a negative speed":        {[]string{"--speed", "-1"}, ExitUsage, "--speed -1: the least is 0"},
		"no number":               {[]string{"--durations", "NaN"}, ExitUsage, "--durations NaN"},
		"a duration without unit": {[]string{"--duration", "create_server=40"}, ExitUsage, "create_server=40s"},
		"a limit without number":  {[]string{"--limit", "server"}, ExitUsage, "kind=number"},
		"a quota without number":  {[]string{"--google-limit", "NETWORKS"}, ExitUsage, "METRIC=number"},
		"a token without project": {[]string{"--token", "x"}, ExitUsage, "token=project"},
		"a key without project":   {[]string{"--s3-key", "a:b"}, ExitUsage, "access:secret=project"},
		"a proxy without a file":  {[]string{"--names-listen", "127.0.0.1:0"}, ExitUsage, "go together"},
		"an unknown store":        {[]string{"--s3-listen", "moon=127.0.0.1:0"}, ExitUsage, "fsn1, nbg1, hel1"},
		"no address":              {[]string{"--google-service-account", "t=x"}, ExitUsage, "token=address"},
		"an unknown fault":        {[]string{"--fault", "earthquake"}, ExitUsage, `unknown kind of fault "earthquake"`},
		"an unknown fault key":    {[]string{"--fault", "error,sttus=1"}, ExitUsage, "sttus"},
		"a busy address":          {[]string{"--listen", "256.0.0.1:1"}, ExitError, "cannot listen"},
		"a data file elsewhere":   {[]string{"--data", "/nowhere/at/all.db"}, ExitError, "/nowhere/at/all.db"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, append([]string{"sim", "--listen", "127.0.0.1:0"}, test.args...)...)
			if code != test.code || !strings.Contains(stderr, test.stderr) || stdout != "" {
				t.Errorf("exit code %d, want %d with %q; stdout %q, stderr:\n%s", code, test.code, test.stderr, stdout, stderr)
			}
		})
	}
}

func TestAnnounce(t *testing.T) {
	var out bytes.Buffer
	served := &simcloud.Served{URL: "http://127.0.0.1:8700", S3: map[string]string{"fsn1": "http://127.0.0.1:8701"}}
	if err := announce(&out, simFlags{namesCA: "ca.pem"}, served, "http://127.0.0.1:8704"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"export GOOGLE_COMPUTE_CUSTOM_ENDPOINT=http://127.0.0.1:8700/compute/v1/\n",
		"export HCLOUD_S3_ENDPOINT='http://127.0.0.1:8700/s3/{location}'\n", "export HCLOUD_S3_ACCESS_KEY=" + simcloud.DefaultS3AccessKey + "\n",
		"export GOOGLE_STORAGE_CUSTOM_ENDPOINT=http://127.0.0.1:8700/storage/v1/\n", "export GOOGLE_KMS_CUSTOM_ENDPOINT=http://127.0.0.1:8700/kms/v1/\n",
		"export HCLOUD_ENDPOINT=http://127.0.0.1:8700/v1\n", "export HCLOUD_TOKEN=" + exampleToken + "\n", "--data FILE",
		"export STORAGE_EMULATOR_HOST=http://127.0.0.1:8700\n", "fsn1     http://127.0.0.1:8701\n", "export HTTPS_PROXY=http://127.0.0.1:8704\n  export SSL_CERT_FILE=ca.pem\n", "export AWS_ACCESS_KEY_ID=" + simcloud.DefaultS3AccessKey + "\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:8700": true, "[::1]:0": true, "localhost:80": true,
		":8700": false, "0.0.0.0:1": false, "192.0.2.1:1": false, "nonsense": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("loopback(%q) = %t", address, got)
		}
	}
}

func TestSimFlagDefaultsAreTheVendors(t *testing.T) {
	var flags simFlags
	flags.register(pflag.NewFlagSet("sim", pflag.ContinueOnError))
	options, faults, err := flags.options()
	if err != nil {
		t.Fatal(err)
	}
	vendor := simcloud.Realistic()
	if options.DurationScale != vendor.DurationScale || options.Hetzner.RateLimit != vendor.Hetzner.RateLimit ||
		options.Google.RateLimit != vendor.Google.RateLimit || faults != nil {
		t.Errorf("got %+v, faults %v; want the numbers of %+v", options, faults, vendor)
	}
	if options.Clock.Speed() != 1 {
		t.Errorf("the clock runs at %v", options.Clock.Speed())
	}
}

func TestParseFault(t *testing.T) {
	tests := map[string]struct {
		text string
		want simcloud.Fault
		err  string
	}{
		"kind alone":      {"drop_after", simcloud.Fault{Kind: simcloud.FaultDropAfter}, ""},
		"keys":            {"error,method=POST,path=/servers$,probability=0.05,status=503,count=3", simcloud.Fault{Kind: simcloud.FaultError, Method: "POST", Path: "/servers$", Probability: 0.05, Status: 503, Count: 3}, ""},
		"an equals sign":  {"delay,path=a=b,delay_seconds=1.5", simcloud.Fault{Kind: simcloud.FaultDelay, Path: "a=b", DelaySeconds: 1.5}, ""},
		"JSON":            {`{"kind": "error", "path": "a{1,2}"}`, simcloud.Fault{Kind: simcloud.FaultError, Path: "a{1,2}"}, ""},
		"no value":        {"error,status", simcloud.Fault{}, `"status" is no key=value`},
		"empty":           {"error,,", simcloud.Fault{}, `"" is no key=value`},
		"twice":           {"error,status=500,status=501", simcloud.Fault{}, "twice"},
		"kind twice":      {"error,kind=delay", simcloud.Fault{}, "twice"},
		"no number":       {"error,status=many", simcloud.Fault{}, "status=many is no number"},
		"not whole":       {"error,count=1.5", simcloud.Fault{}, "count"},
		"not finite":      {"error,seconds=inf", simcloud.Fault{}, "no number"},
		"unknown":         {"error,colour=red", simcloud.Fault{}, "colour"},
		"broken JSON":     {`{"kind": `, simcloud.Fault{}, "EOF"},
		"two JSON values": {`{"kind":"error"}{"kind":"delay"}`, simcloud.Fault{}, "more than one"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseFault(test.text)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzParseFault checks that whatever is understood in the short form means the
// same when it is written as the control API's JSON.
func FuzzParseFault(f *testing.F) {
	for _, seed := range []string{"error", "error,path=/servers,status=503", `{"kind":"delay"}`, "quota,tokens_per_second=1e3", ",,=", "a,b=\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := parseFault(text)
		if err != nil {
			return
		}
		document, err := json.Marshal(fault)
		if err != nil {
			t.Fatalf("%q gives a fault that JSON cannot hold: %v", text, err)
		}
		again, err := parseFault(string(document))
		if err != nil {
			t.Fatalf("%q gives %s, which is refused: %v", text, document, err)
		}
		if diff := cmp.Diff(fault, again); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}
