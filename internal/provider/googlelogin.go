package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	oauth2google "golang.org/x/oauth2/google"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
)

// googleScope is what the tokens are for. IAM narrows it down.
const googleScope = "https://www.googleapis.com/auth/cloud-platform"

// tokenTimeout bounds one request for a token, so that a dead issuer holds
// nothing up for long.
const tokenTimeout = 30 * time.Second

// credentialKinds are the sorts of credentials that are read. One that names
// its own token URL (external_account) is trusted as much as the configuration
// that names it.
var credentialKinds = []oauth2google.CredentialsType{
	oauth2google.ServiceAccount, oauth2google.AuthorizedUser, oauth2google.ImpersonatedServiceAccount,
	oauth2google.ExternalAccount, oauth2google.ExternalAccountAuthorizedUser,
}

// googleLogin adds an access token to every request. Tokens are fetched when
// the first request needs one, not metered with the API's quota, and renewed
// before they end.
type googleLogin struct {
	base http.RoundTripper
	// project is the one that the credentials name, if they do.
	project string

	mu sync.Mutex
	// find is called until it has given a source.
	find   func() (oauth2.TokenSource, error)
	source oauth2.TokenSource
}

// newGoogleLogin reads the credentials; it contacts nobody. transport sends
// the API's requests and those for tokens; nil means Go's own.
func newGoogleLogin(account GoogleConfig, transport http.RoundTripper) (*googleLogin, error) {
	if transport == nil {
		own, ok := http.DefaultTransport.(*http.Transport)
		if !ok {
			return nil, errors.New("the program's default HTTP transport was replaced")
		}
		own = own.Clone()
		own.MaxIdleConnsPerHost = 64
		transport = own
	}
	login := &googleLogin{base: transport}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: transport, Timeout: tokenTimeout})
	switch {
	case account.AccessToken != "":
		login.source = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: account.AccessToken})
	case account.Credentials != "":
		found, err := readGoogleCredentials(ctx, account.Credentials)
		if err != nil {
			return nil, err
		}
		login.source, login.project = found.TokenSource, found.ProjectID
	default:
		// It may ask the machine's metadata server, so not before it is needed.
		login.find = func() (oauth2.TokenSource, error) {
			found, err := oauth2google.FindDefaultCredentials(ctx, googleScope)
			if err != nil {
				return nil, err
			}
			return found.TokenSource, nil
		}
	}
	return login, nil
}

// readGoogleCredentials reads a JSON text, or the file that it is the path of.
// No message repeats any of it.
func readGoogleCredentials(ctx context.Context, text string) (*oauth2google.Credentials, error) {
	bad := func(message string, err error) error {
		refused := noAccount(google.Name, message, "Set credentials to the JSON of a service account's key or to the path of such a file; see also "+EnvGoogleCredentials+" and "+EnvGoogleDefaultFile+".")
		refused.Err = err
		return refused
	}
	data := []byte(text)
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		var err error
		if data, err = os.ReadFile(text); err != nil {
			// The path is not told: it may be a secret that was pasted here.
			return nil, bad("the google credentials are neither JSON nor the path of a file that can be read", pathless(err))
		}
	}
	var kind struct {
		Type oauth2google.CredentialsType `json:"type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, bad("the google credentials are not JSON", nil)
	}
	if !slices.Contains(credentialKinds, kind.Type) {
		return nil, bad(fmt.Sprintf("google credentials of the type %q cannot be used here", kind.Type), nil)
	}
	found, err := oauth2google.CredentialsFromJSONWithType(ctx, data, kind.Type, googleScope)
	if err != nil {
		return nil, bad("the google credentials cannot be used: "+err.Error(), nil)
	}
	return found, nil
}

// pathless takes the path out of an error about a file.
func pathless(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// RoundTrip implements http.RoundTripper.
func (l *googleLogin) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := l.token(request.Context())
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, err
	}
	request = request.Clone(request.Context())
	token.SetAuthHeader(request)
	return l.base.RoundTrip(request)
}

// token gives a valid token, or the context's error if that ends first.
func (l *googleLogin) token(ctx context.Context) (*oauth2.Token, error) {
	type answer struct {
		token *oauth2.Token
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		source, err := l.found()
		if err != nil {
			answers <- answer{err: noLogin(err)}
			return
		}
		token, err := source.Token()
		if err != nil {
			err = noLogin(err)
		}
		answers <- answer{token, err}
	}()
	select {
	case a := <-answers:
		return a.token, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *googleLogin) found() (oauth2.TokenSource, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source == nil {
		source, err := l.find()
		if err != nil {
			return nil, err
		}
		l.source = source
	}
	return l.source, nil
}

// noLogin explains why there is no token. An issuer that cannot be reached, or
// fails, is a temporary error; one that refuses is not.
func noLogin(err error) error {
	failed := noAccount(google.Name, "there is no access token: "+err.Error(),
		"Check google.credentials, or log in with gcloud auth application-default login.")
	failed.Err = err
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode >= http.StatusInternalServerError {
		failed.Code = cloud.CodeUnavailable
	}
	return failed
}
