package seal

import (
	"context"
	"fmt"
	"io"
	"net/http"

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
	if err := guest.CheckThumbprint(tang.Thumbprint); err != nil {
		return Advertisement{}, err
	}
	base, err := guest.ParseTangURL(tang.URL)
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
