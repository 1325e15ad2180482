package seal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// Doer sends HTTP requests: *http.Client is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Fetch asks a Tang server for its advertisement and judges it as
// [ParseAdvertisement] does. It needs no TLS: the answer is signed. The caller
// bounds the time by the context; redirects are the client's business.
func Fetch(ctx context.Context, client Doer, tang guest.Tang) (Advertisement, error) {
	if err := CheckThumbprint(tang.Thumbprint); err != nil {
		return Advertisement{}, err
	}
	base, err := ParseURL(tang.URL)
	if err != nil {
		return Advertisement{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/adv/"+tang.Thumbprint, nil)
	if err != nil {
		return Advertisement{}, fmt.Errorf("%s cannot be asked: %w", base, err)
	}
	// Tang runs one process for each connection, until it is closed.
	request.Close = true
	response, err := client.Do(request)
	if err != nil {
		return Advertisement{}, fmt.Errorf("the Tang server %s does not answer: %w", base, err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return Advertisement{}, fmt.Errorf("%w: the Tang server %s has no key %s", ErrUntrusted, base, tang.Thumbprint)
	default:
		return Advertisement{}, fmt.Errorf("the Tang server %s answers %s", base, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, MaxAdvertisementBytes+1))
	if err != nil {
		return Advertisement{}, fmt.Errorf("the Tang server %s broke off its answer: %w", base, err)
	}
	adv, err := ParseAdvertisement(text, tang.Thumbprint)
	if err != nil {
		return Advertisement{}, fmt.Errorf("the Tang server %s: %w", base, err)
	}
	return adv, nil
}

// ParseURL judges the URL of a Tang server and answers it without a slash at
// its end, as Clevis wants it.
func ParseURL(text string) (string, error) {
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("%.200q is not a URL", text)
	case parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Host == "", parsed.Opaque != "":
		return "", fmt.Errorf("%.200q is not a URL of the form http://host:port", text)
	case parsed.User != nil:
		// Not repeated: it may hold a password.
		return "", errors.New("the URL of a Tang server holds credentials, which it needs none of, and which every process of the machine could read")
	case parsed.RawQuery != "", parsed.ForceQuery, parsed.Fragment != "":
		return "", fmt.Errorf("%.200q has a query or a fragment, which the URL of a Tang server has not", text)
	}
	return strings.TrimRight(text, "/"), nil
}
