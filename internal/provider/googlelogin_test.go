package provider

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// issuer is a server that gives tokens to a service account, and answers the
// API's requests with the token that they carry.
type issuer struct {
	*httptest.Server
	issued int
	status int
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{status: http.StatusOK}
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		i.issued++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(i.status)
		if i.status == http.StatusOK {
			fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, i.issued)
		} else {
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"account not found"}`)
		}
	})
	mux.HandleFunc("/compute/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) })
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// key makes the key of a service account whose tokens the issuer gives.
func (i *issuer) key(t *testing.T) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	text, err := json.Marshal(map[string]string{"type": "service_account", "project_id": "acme-prod", "private_key_id": "1", "private_key": string(block),
		"client_email": "terraform@acme-prod.iam.gserviceaccount.com", "token_uri": i.URL + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ask sends a request through the login and gives what it carried.
func (i *issuer) ask(t *testing.T, login *googleLogin) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.URL+"/compute/v1", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := login.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if request.Header.Get("Authorization") != "" {
		t.Error("the caller's request was changed")
	}
	return string(body), err
}

func TestGoogleLogin(t *testing.T) {
	i := newIssuer(t)
	key := i.key(t)
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		account GoogleConfig
		want    string
		issued  int
	}{
		"access token":         {GoogleConfig{AccessToken: "given"}, "Bearer given", 0},
		"key":                  {GoogleConfig{Credentials: key}, "Bearer token-1", 1},
		"file":                 {GoogleConfig{Credentials: file}, "Bearer token-1", 1},
		"token before the key": {GoogleConfig{AccessToken: "given", Credentials: file}, "Bearer given", 0},
	} {
		t.Run(name, func(t *testing.T) {
			i.issued = 0
			login, err := newGoogleLogin(test.account, nil)
			if err != nil {
				t.Fatal(err)
			}
			if i.issued != 0 {
				t.Error("a token was asked for before anything needed one")
			}
			if test.issued > 0 && login.project != "acme-prod" {
				t.Errorf("the project is %q", login.project)
			}
			for range 3 {
				if got, err := i.ask(t, login); err != nil || got != test.want {
					t.Errorf("the request carried %q, %v; want %q", got, err, test.want)
				}
			}
			if i.issued != test.issued {
				t.Errorf("%d tokens were asked for, want %d", i.issued, test.issued)
			}
		})
	}
}

func TestGoogleLoginFails(t *testing.T) {
	i := newIssuer(t)
	login, err := newGoogleLogin(GoogleConfig{Credentials: i.key(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]cloud.Code{http.StatusBadRequest: cloud.CodeUnauthorized, http.StatusServiceUnavailable: cloud.CodeUnavailable} {
		i.status = status
		if _, err := i.ask(t, login); cloud.CodeOf(err) != want || !strings.Contains(err.Error(), "there is no access token") {
			t.Errorf("%d: got %v (%s), want %s", status, err, cloud.CodeOf(err), want)
		}
	}
	i.status = http.StatusOK
	if got, err := i.ask(t, login); err != nil || !strings.HasPrefix(got, "Bearer token-") {
		t.Errorf("after the issuer is back: %q, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	hanging := &googleLogin{source: hangs{}}
	if _, err := hanging.token(ended); err == nil {
		t.Error("a token that never comes is waited for beyond the context")
	}
}

func TestGoogleCredentialsAreNotRepeated(t *testing.T) {
	for name, secret := range map[string]string{
		"a pasted key":         "-----BEGIN PRIVATE KEY----- s3cret",
		"broken JSON":          `{"private_key": "s3cret"`,
		"another kind":         `{"type": "gdch_service_account", "private_key": "s3cret"}`,
		"OAuth client secrets": `{"installed": {"client_secret": "s3cret"}}`,
		"no private key":       `{"type": "service_account", "private_key_id": "s3cret", "private_key": 7}`,
	} {
		_, err := newGoogleLogin(GoogleConfig{Project: "acme-prod", Credentials: secret}, nil)
		if err == nil || cloud.CodeOf(err) != cloud.CodeUnauthorized {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(fmt.Sprintf("%+v", err), "s3cret") {
			t.Errorf("%s is repeated: %v", name, err)
		}
	}
}

// hangs is a source that never answers.
type hangs struct{}

func (hangs) Token() (*oauth2.Token, error) { select {} }
