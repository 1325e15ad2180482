// Package sealtest is a Tang server in the test's own process: it advertises
// keys as tangd does, and opens what is sealed to it with its own exchange key.
// tests/guest holds what it stands for against the real tangd.
package sealtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// Tang is a server with a signing key and an exchange key.
type Tang struct {
	guest.Tang
	// Advertisement is what the server answers.
	Advertisement string
	// Asked counts the requests.
	Asked    atomic.Int64
	exchange *ecdsa.PrivateKey
	server   *httptest.Server
}

// Start serves new keys on loopback until the test ends.
func Start(t testing.TB) *Tang {
	t.Helper()
	signing, exchange := newKey(t), newKey(t)
	s := &Tang{exchange: exchange}
	s.Thumbprint = thumbprint(t, &signing.PublicKey)
	payload := fmt.Sprintf(`{"keys":[%s,%s]}`, describe(t, &signing.PublicKey, "ES512", "verify"), describe(t, &exchange.PublicKey, "ECMR", "deriveKey"))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES512, Key: signing}, (&jose.SignerOptions{}).WithContentType("jwk-set+json"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	s.Advertisement = signed.FullSerialize()
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Asked.Add(1)
		if r.URL.Path != "/adv/"+s.Thumbprint && r.URL.Path != "/adv" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		// An error tells that nobody listens any more.
		_, _ = io.WriteString(w, s.Advertisement)
	}))
	s.URL = s.server.URL
	t.Cleanup(s.server.Close)
	return s
}

// Stop makes the server unreachable.
func (s *Tang) Stop() { s.server.Close() }

// Open gives the secret that any of the sealed texts holds, with the keys of
// the servers given; false if they do not suffice.
func Open(sealed guest.Sealed, servers ...*Tang) (string, bool) {
	for _, text := range sealed {
		opened, ok := openLayer(text, servers)
		for ok && guest.IsSealed([]byte(opened)) {
			opened, ok = openLayer(opened, servers)
		}
		if ok {
			return opened, true
		}
	}
	return "", false
}

func openLayer(text string, servers []*Tang) (string, bool) {
	message, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return "", false
	}
	for _, s := range servers {
		if opened, err := message.Decrypt(s.exchange); err == nil {
			return string(opened), true
		}
	}
	return "", false
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func thumbprint(t testing.TB, key *ecdsa.PublicKey) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func describe(t testing.TB, key *ecdsa.PublicKey, algorithm, operation string) string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key, Algorithm: algorithm})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`%s,"key_ops":[%q]}`, strings.TrimSuffix(string(text), "}"), operation)
}
