package hetzner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// ObjectStorage is the access to Hetzner's Object Storage. Its keys are others
// than the API's token; they are made in the Hetzner Cloud Console.
type ObjectStorage struct {
	AccessKey, SecretKey string
	// Endpoint is the URL of a location's endpoint, in which {location} stands
	// for its name; empty for the vendor's own, ObjectStorageEndpoint.
	Endpoint string
	// HTTPClient sends the requests; nil means Options.HTTPClient.
	HTTPClient *http.Client
	// Missing says why there are no keys, where that is known better than that
	// they are empty.
	Missing error
}

// ObjectStorageEndpoint is where the vendor has its endpoints.
const ObjectStorageEndpoint = "https://{location}.your-objectstorage.com"

// placeholder stands for the location's name in an endpoint.
const placeholder = "{location}"

// objectLocations are those in which the vendor has object storage: the endpoints
// that public configurations name.
func objectLocations() []string { return []string{"fsn1", "hel1", "nbg1"} }

// CheckObjectStorageEndpoint tells why a text cannot be an endpoint; empty is
// one.
func CheckObjectStorageEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	at, err := url.Parse(strings.ReplaceAll(endpoint, placeholder, "fsn1"))
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.RawQuery != "" || !strings.Contains(endpoint, placeholder) {
		return fmt.Errorf("%q is not the endpoint of an object store: write a URL in which %s stands for the location, such as %q", endpoint, placeholder, ObjectStorageEndpoint)
	}
	return nil
}

// s3 is a client of one location's endpoint.
type s3 struct {
	*minio.Core
	location string
	base     *url.URL // with a path where the endpoint has one, without a slash at its end
	keys     ObjectStorage
	http     http.RoundTripper
}

// newS3 makes a client; it contacts nobody. What minio-go would repeat by itself
// is switched off: the HTTP client below repeats requests.
func newS3(keys ObjectStorage, location, version string) (*s3, error) {
	base, err := url.Parse(strings.TrimRight(strings.ReplaceAll(keys.Endpoint, placeholder, location), "/"))
	if err != nil {
		return nil, err
	}
	transport := keys.HTTPClient.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	c := &s3{location: location, base: base, keys: keys, http: transport}
	c.Core, err = minio.NewCore(base.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(keys.AccessKey, keys.SecretKey, ""),
		Secure: base.Scheme == "https",
		// With a region the client asks for none.
		Region: location, BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
		Transport: below{c},
	})
	if err != nil {
		return nil, err
	}
	c.SetAppInfo("terraform-provider-holdfast", version)
	return c, nil
}

// below sends what minio-go makes to an endpoint that has a path, which
// minio-go cannot: it signs anew, since the path is part of what is signed.
type below struct{ *s3 }

func (t below) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.base.Path == "" {
		return t.http.RoundTrip(request)
	}
	moved := request.Clone(request.Context())
	moved.URL.Path = t.base.Path + request.URL.Path
	if request.URL.RawPath != "" {
		moved.URL.RawPath = t.base.EscapedPath() + request.URL.RawPath
	}
	moved.Header.Del("Authorization")
	return t.http.RoundTrip(t.sign(moved))
}

func (c *s3) sign(request *http.Request) *http.Request {
	return signer.SignV4(*request, c.keys.AccessKey, c.keys.SecretKey, "", c.location)
}

// bucketURL is a request's URL; query without the question mark.
func (c *s3) bucketURL(bucket string, query url.Values) string {
	at := *c.base
	at.Path += "/" + bucket + "/"
	at.RawQuery = query.Encode()
	return at.String()
}

// maxDocument bounds an answer: a thousand keys of 1,024 bytes, three times as
// long when they are escaped, fit.
const maxDocument = 8 << 20

// ask sends a request without a body, which minio-go has no method for, or none
// that obeys the context, and reads the document that is answered into v, if
// there is a v.
func (c *s3) ask(ctx context.Context, method, bucket string, query url.Values, header map[string]string, v any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.bucketURL(bucket, query), http.NoBody)
	if err != nil {
		return err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	nothing := sha256.Sum256(nil)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(nothing[:]))
	response, err := c.http.RoundTrip(c.sign(request))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err != nil:
		return err
	case len(document) > maxDocument:
		return &cloud.Error{Code: cloud.CodeUnknown, Message: fmt.Sprintf("the store answered with more than %d bytes", maxDocument)}
	case response.StatusCode/100 == 2 && v == nil:
		return nil
	case response.StatusCode/100 == 2:
		return xml.NewDecoder(bytes.NewReader(document)).Decode(v)
	}
	refusal := minio.ErrorResponse{}
	if xml.Unmarshal(document, &refusal) != nil {
		refusal.Message = http.StatusText(response.StatusCode)
	}
	refusal.StatusCode = response.StatusCode
	return refusal
}
