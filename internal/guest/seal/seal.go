package seal

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

const (
	// MaxServers bounds how many Tang servers a secret is sealed to: of 5 there
	// are at most 10 choices, each of which is a text of its own in user data.
	MaxServers = guest.MaxTang
	// MaxSecretBytes bounds a secret. The largest that is known, the key file
	// of a Google service account, has 2.4 KB.
	MaxSecretBytes = 8 << 10
	// nested is the content type of a layer that holds another one: RFC 7515,
	// sections 4.1.10 and 9.2.1 (application/jose, the compact form).
	nested = "jose"
)

// Server is a Tang server that secrets can be sealed to.
type Server struct {
	// URL as the machine reaches it.
	URL           string
	Advertisement Advertisement
}

// Seal encrypts a secret so that any threshold of the servers together open
// it: one text for each choice of them, in the order of the servers. Two calls
// never give the same texts.
func Seal(secret []byte, servers []Server, threshold int) (guest.Sealed, error) {
	switch {
	case len(secret) == 0:
		return nil, errors.New("the secret is empty")
	case len(secret) > MaxSecretBytes:
		return nil, fmt.Errorf("the secret has %d bytes; at most %d can be sealed", len(secret), MaxSecretBytes)
	case guest.IsSealed(secret):
		return nil, errors.New("the secret is itself an encrypted message (JWE), so the machine could not tell when it has opened it")
	case len(servers) == 0:
		return nil, errors.New("there is no Tang server to seal to")
	case len(servers) > MaxServers:
		return nil, fmt.Errorf("%d Tang servers are too many: at most %d", len(servers), MaxServers)
	case threshold < 1 || threshold > len(servers):
		return nil, fmt.Errorf("a threshold of %d cannot be met by %d Tang servers", threshold, len(servers))
	}
	var sealed guest.Sealed
	for _, choice := range choices(len(servers), threshold) {
		text, inner := secret, false
		for i := len(choice) - 1; i >= 0; i-- {
			layer, err := encrypt(text, servers[choice[i]], inner)
			if err != nil {
				return nil, err
			}
			text, inner = layer, true
		}
		sealed = append(sealed, string(text))
	}
	return sealed, nil
}

// choices gives every choice of t of n, as ascending indexes, in lexical order.
func choices(n, t int) [][]int {
	var all [][]int
	var pick func(chosen []int, from int)
	pick = func(chosen []int, from int) {
		if len(chosen) == t {
			all = append(all, slices.Clone(chosen))
			return
		}
		for i := from; i < n; i++ {
			pick(append(chosen, i), i+1)
		}
	}
	pick(nil, 0)
	return all
}

// pin is the header parameter "clevis".
type pin struct {
	Pin  string `json:"pin"`
	Tang tang   `json:"tang"`
}

type tang struct {
	// Adv is the set of keys in which Clevis finds the exchange key by its
	// thumbprint. The signing keys, which it does not need for that, are left
	// out: the set stands in every text.
	Adv advertised `json:"adv"`
	URL string     `json:"url"`
}

type advertised struct {
	Keys []exchangeKey `json:"keys"`
}

// exchangeKey is a JWK as Tang advertises it: jose decides by "alg" and
// "key_ops" what a key may do.
type exchangeKey struct {
	Algorithm  string   `json:"alg"`
	Curve      string   `json:"crv"`
	Operations []string `json:"key_ops"`
	Type       string   `json:"kty"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
}

// encrypt makes one layer.
func encrypt(text []byte, server Server, inner bool) ([]byte, error) {
	base, err := guest.ParseTangURL(server.URL)
	if err != nil {
		return nil, err
	}
	public, ok := server.Advertisement.exchange.Key.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the Tang server %s has no exchange key", base)
	}
	exchange, err := describe(server.Advertisement.exchange)
	if err != nil {
		return nil, err
	}
	options := (&jose.EncrypterOptions{}).WithHeader("clevis", pin{Pin: "tang", Tang: tang{Adv: advertised{Keys: []exchangeKey{exchange}}, URL: base}})
	if inner {
		// A layer is ciphertext in base64: its length gives nothing away that
		// the outer text does not, and a quarter of it can be had back.
		options.Compression = jose.DEFLATE
		options = options.WithContentType(nested)
	}
	recipient := jose.Recipient{Algorithm: jose.ECDH_ES, Key: public, KeyID: server.Advertisement.exchange.KeyID}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, recipient, options)
	if err != nil {
		return nil, fmt.Errorf("cannot seal to the Tang server %s: %w", base, err)
	}
	message, err := encrypter.Encrypt(text)
	if err != nil {
		return nil, fmt.Errorf("cannot seal to the Tang server %s: %w", base, err)
	}
	compact, err := message.CompactSerialize()
	return []byte(compact), err
}

// describe writes an exchange key as Tang does.
func describe(public jose.JSONWebKey) (exchangeKey, error) {
	plain := exchangeKey{}
	text, err := json.Marshal(jose.JSONWebKey{Key: public.Key})
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	plain.Algorithm, plain.Operations = "ECMR", []string{"deriveKey"}
	return plain, err
}
