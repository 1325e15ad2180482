package seal

import (
	"crypto"
	"crypto/ecdsa"
	_ "crypto/sha256" // for thumbprints
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// MaxAdvertisementBytes bounds what is read of an advertisement. One with a
// signing and an exchange key has 1.1 KB (tang 11, P-521); this leaves room for
// some forty keys.
const MaxAdvertisementBytes = 32 << 10

// signatures are the algorithms of Tang's signing keys: ES512 is what
// tangd-keygen makes; the others are what jose offers of the same kind.
func signatures() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512}
}

// Advertisement is the trusted word of a Tang server about its keys.
type Advertisement struct {
	exchange jose.JSONWebKey
	// signers are the thumbprints of the keys that signed it.
	signers []string
}

// Signers are the SHA-256 thumbprints (RFC 7638, in base64url) of the keys that
// signed the advertisement, the trusted one among them.
func (a Advertisement) Signers() []string { return slices.Clone(a.signers) }

// Exchange is the thumbprint of the key that secrets are sealed to.
func (a Advertisement) Exchange() string { return a.exchange.KeyID }

// ParseAdvertisement reads what a Tang server answers to GET /adv/<thumbprint>:
// a JWS in JSON form (RFC 7515, section 7.2) of a JWK set. It is believed if
// every signing key of the set has signed it, and the key with the thumbprint
// is one of them. The error says what is wrong, in one sentence without a full
// stop, and wraps [ErrUntrusted] where the keys are not those expected.
func ParseAdvertisement(text []byte, thumbprint string) (Advertisement, error) {
	if err := guest.CheckThumbprint(thumbprint); err != nil {
		return Advertisement{}, err
	}
	if len(text) > MaxAdvertisementBytes {
		return Advertisement{}, fmt.Errorf("the advertisement has more than %d bytes", MaxAdvertisementBytes)
	}
	signed, err := jose.ParseSignedJSON(string(text), signatures())
	if err != nil {
		return Advertisement{}, fmt.Errorf("the advertisement is not a signed message of a Tang server: %w", err)
	}
	keys, err := parseKeys(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return Advertisement{}, err
	}
	adv := Advertisement{}
	for _, key := range keys {
		switch {
		case key.can("verify"):
			// Only what VerifyMulti answers is known to be what was signed, but
			// all signatures of one JWS are of the same payload.
			if _, _, _, err := signed.VerifyMulti(&key.public); err != nil {
				return Advertisement{}, fmt.Errorf("%w: it is not signed by its own signing key %s", ErrUntrusted, key.public.KeyID)
			}
			adv.signers = append(adv.signers, key.public.KeyID)
		case key.can("deriveKey") && adv.exchange.Key == nil:
			// The first, as Clevis chooses.
			adv.exchange = key.public
		}
	}
	switch {
	case !slices.Contains(adv.signers, thumbprint):
		return Advertisement{}, fmt.Errorf("%w: it is signed by %s, not by the expected key %s", ErrUntrusted, orNone(adv.signers), thumbprint)
	case adv.exchange.Key == nil:
		return Advertisement{}, errors.New("the advertisement has no exchange key (key_ops deriveKey)")
	}
	return adv, nil
}

// ErrUntrusted tells that an advertisement is not that of the expected server.
// The server may have rotated its keys: Tang keeps opening what was sealed to
// the old ones, but no longer proves itself with them.
var ErrUntrusted = errors.New("the advertisement is not to be trusted")

func orNone(signers []string) string {
	if len(signers) == 0 {
		return "no key"
	}
	return strings.Join(signers, " and ")
}

// key is one of the set, with what it is for.
type key struct {
	public     jose.JSONWebKey
	operations []string
}

func (k key) can(operation string) bool { return slices.Contains(k.operations, operation) }

// parseKeys reads a JWK set. Keys of other kinds than elliptic curves are of no
// use to Tang's exchange, and are passed over; so are keys without operations,
// as Clevis does.
func parseKeys(payload []byte) ([]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(payload, &set); err != nil {
		return nil, fmt.Errorf("the advertisement holds no set of keys: %w", err)
	}
	var keys []key
	for i, raw := range set.Keys {
		var kind struct {
			Type       string   `json:"kty"`
			Operations []string `json:"key_ops"`
		}
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, fmt.Errorf("key %d of the advertisement is malformed: %w", i+1, err)
		}
		if kind.Type != "EC" {
			if slices.Contains(kind.Operations, "verify") {
				return nil, fmt.Errorf("key %d of the advertisement signs with %.20q; only elliptic curves are accepted", i+1, kind.Type)
			}
			continue
		}
		// Unmarshalling checks that the point is on the curve.
		var parsed jose.JSONWebKey
		if err := json.Unmarshal(raw, &parsed); err != nil {
			return nil, fmt.Errorf("key %d of the advertisement is malformed: %w", i+1, err)
		}
		curve, ok := parsed.Key.(*ecdsa.PublicKey)
		if !ok {
			return nil, fmt.Errorf("key %d of the advertisement is not a public key", i+1)
		}
		// Nothing but the point: a key's own "kid" or "alg" must not get far.
		public := jose.JSONWebKey{Key: curve}
		sum, err := public.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("key %d of the advertisement has no thumbprint: %w", i+1, err)
		}
		public.KeyID = base64.RawURLEncoding.EncodeToString(sum)
		keys = append(keys, key{public: public, operations: kind.Operations})
	}
	return keys, nil
}
