package seal

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// tangKeys are the keys of a Tang server of the tests' own: tests/guest has the
// real one.
type tangKeys struct {
	signing  []*ecdsa.PrivateKey
	exchange *ecdsa.PrivateKey
	// signers, if not nil, sign instead of the signing keys.
	signers []*ecdsa.PrivateKey
	// extra are more keys of the set, as JSON.
	extra []string
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newTang(t *testing.T) *tangKeys {
	t.Helper()
	return &tangKeys{signing: []*ecdsa.PrivateKey{newKey(t)}, exchange: newKey(t)}
}

func jwk(t *testing.T, k *ecdsa.PrivateKey, algorithm, operation string) string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: &k.PublicKey, Algorithm: algorithm})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`%s,"key_ops":[%q]}`, strings.TrimSuffix(string(text), "}"), operation)
}

// advertise signs the set as tangd does.
func (k *tangKeys) advertise(t *testing.T) string {
	t.Helper()
	var keys []string
	for _, s := range k.signing {
		keys = append(keys, jwk(t, s, "ES512", "verify"))
	}
	if k.exchange != nil {
		keys = append(keys, jwk(t, k.exchange, "ECMR", "deriveKey"))
	}
	keys = append(keys, k.extra...)
	return sign(t, `{"keys":[`+strings.Join(keys, ",")+`]}`, append(k.signers, k.signing[len(k.signers):]...)...)
}

func sign(t *testing.T, payload string, signers ...*ecdsa.PrivateKey) string {
	t.Helper()
	var with []jose.SigningKey
	for _, s := range signers {
		with = append(with, jose.SigningKey{Algorithm: jose.ES512, Key: s})
	}
	signer, err := jose.NewMultiSigner(with, (&jose.SignerOptions{}).WithContentType("jwk-set+json"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return signed.FullSerialize()
}

func thumbprint(t *testing.T, k *ecdsa.PrivateKey) string {
	t.Helper()
	keys, err := parseKeys([]byte(`{"keys":[` + jwk(t, k, "", "x") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0].public.KeyID
}

func TestParseAdvertisement(t *testing.T) {
	k := newTang(t)
	k.signing = append(k.signing, newKey(t))
	k.extra = []string{`{"kty":"oct","k":"AAAA"}`, jwk(t, newKey(t), "ECMR", "deriveKey"), jwk(t, newKey(t), "ECMR", "other")}
	for _, trusted := range k.signing {
		adv, err := ParseAdvertisement([]byte(k.advertise(t)), thumbprint(t, trusted))
		if err != nil {
			t.Fatal(err)
		}
		if adv.Exchange() != thumbprint(t, k.exchange) || len(adv.Signers()) != 2 || !slices.Contains(adv.Signers(), thumbprint(t, trusted)) {
			t.Errorf("exchange %s, signers %v", adv.Exchange(), adv.Signers())
		}
	}
}

func TestParseAdvertisementRefuses(t *testing.T) {
	good := newTang(t)
	trust := thumbprint(t, good.signing[0])
	with := func(change func(*tangKeys)) string {
		k := *good
		k.signing = slices.Clone(good.signing)
		change(&k)
		return k.advertise(t)
	}
	for _, tc := range []struct {
		name, text, thumbprint, want string
		untrusted                    bool
	}{
		{"no thumbprint", good.advertise(t), "", "is not the SHA-256 thumbprint", false},
		{"a SHA-1 thumbprint", good.advertise(t), "AAAAAAAAAAAAAAAAAAAAAAAAAAA", "is not the SHA-256 thumbprint", false},
		{"no JWS", "{}", trust, "not a signed message", false},
		{"a page", "<html>", trust, "not a signed message", false},
		{"too large", strings.Repeat(" ", MaxAdvertisementBytes+1), trust, "more than 32768 bytes", false},
		{"signed by another", with(func(k *tangKeys) { k.signers = []*ecdsa.PrivateKey{newKey(t)} }), trust, "not signed by its own signing key " + trust, true},
		{"one of two has not signed", with(func(k *tangKeys) {
			k.signing = append(k.signing, newKey(t))
			k.signers = []*ecdsa.PrivateKey{k.signing[0], k.signing[0]}
		}), trust, "not signed by its own signing key", true},
		{"another's thumbprint", good.advertise(t), thumbprint(t, newKey(t)), "signed by " + trust + ", not by the expected key", true},
		{"the exchange key's thumbprint", good.advertise(t), thumbprint(t, good.exchange), "not by the expected key", true},
		{"no exchange key", with(func(k *tangKeys) { k.exchange = nil }), trust, "no exchange key", false},
		{"no signing key", sign(t, `{"keys":[`+jwk(t, good.exchange, "ECMR", "deriveKey")+`]}`, good.signing[0]), trust, "signed by no key", true},
		{"an RSA signing key", with(func(k *tangKeys) { k.extra = []string{`{"kty":"RSA","n":"AQAB","e":"AQAB","key_ops":["verify"]}`} }), trust, "only elliptic curves", false},
		{"a point off the curve", with(func(k *tangKeys) {
			k.extra = []string{`{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","key_ops":["deriveKey"]}`}
		}), trust, "key 3 of the advertisement is malformed", false},
		{"no keys", sign(t, `[]`, good.signing[0]), trust, "no set of keys", false},
		{"a key that is none", with(func(k *tangKeys) { k.extra = []string{`7`} }), trust, "key 3 of the advertisement is malformed", false},
		{"an altered payload", strings.Replace(good.advertise(t), `"payload":"`, `"payload":"ey`, 1), trust, "no set of keys", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseAdvertisement([]byte(tc.text), tc.thumbprint)
			if err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, ErrUntrusted) != tc.untrusted {
				t.Errorf("%v (untrusted %v), want %q", err, errors.Is(err, ErrUntrusted), tc.want)
			}
		})
	}
	private, err := json.Marshal(jose.JSONWebKey{Key: good.exchange})
	if err != nil {
		t.Fatal(err)
	}
	text := with(func(k *tangKeys) { k.extra = []string{string(private)} })
	if _, err := ParseAdvertisement([]byte(text), trust); err == nil || !strings.Contains(err.Error(), "not a public key") {
		t.Errorf("a private key: %v", err)
	}
	// A signature of another algorithm than Tang's is none.
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: rsaKey}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(`{"keys":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAdvertisement([]byte(signed.FullSerialize()), trust); err == nil || !strings.Contains(err.Error(), "not a signed message") {
		t.Errorf("RS256: %v", err)
	}
}

// unseal undoes the layers with the servers' own keys.
func unseal(t *testing.T, text string, servers []*tangKeys) (opened []byte, used []int) {
	t.Helper()
	message, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range servers {
		opened, err = message.Decrypt(s.exchange)
		if err != nil {
			continue
		}
		inner := guest.IsSealed(opened)
		if marked := message.Header.ExtraHeaders["cty"] == "jose"; marked != inner {
			t.Errorf("a layer that holds another one: %v, and it says %v", inner, marked)
		}
		if inner {
			text, more := unseal(t, string(opened), servers)
			return text, append([]int{i}, more...)
		}
		return opened, []int{i}
	}
	t.Fatalf("nobody can open %.40s…", text)
	return nil, nil
}

func TestSeal(t *testing.T) {
	var keys []*tangKeys
	var servers []Server
	for i := range MaxServers {
		k := newTang(t)
		adv, err := ParseAdvertisement([]byte(k.advertise(t)), thumbprint(t, k.signing[0]))
		if err != nil {
			t.Fatal(err)
		}
		keys, servers = append(keys, k), append(servers, Server{URL: fmt.Sprintf("http://tang-%d.example.com", i), Advertisement: adv})
	}
	for n := 1; n <= MaxServers; n++ {
		for threshold := 1; threshold <= n; threshold++ {
			sealed, err := Seal([]byte("secret"), servers[:n], threshold)
			if err != nil {
				t.Fatal(err)
			}
			var used [][]int
			for _, text := range sealed {
				opened, by := unseal(t, text, keys)
				if string(opened) != "secret" {
					t.Errorf("%d of %d: opened %q", threshold, n, opened)
				}
				used = append(used, by)
			}
			want := binomial(n, threshold)
			slices.SortFunc(used, slices.Compare)
			if used = slices.CompactFunc(used, slices.Equal); len(used) != want || len(sealed) != want {
				t.Errorf("%d of %d: %d texts, choices %v; want %d", threshold, n, len(sealed), used, want)
			}
			for _, by := range used {
				if len(by) != threshold || !slices.IsSorted(by) || len(slices.Compact(by)) != threshold {
					t.Errorf("%d of %d: opened by %v", threshold, n, by)
				}
			}
		}
	}
	one, err := Seal([]byte("secret"), servers[:1], 1)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := Seal([]byte("secret"), servers[:1], 1); err != nil || one[0] == other[0] {
		t.Errorf("twice the same text, %v", err)
	}
	for _, tc := range []struct {
		name      string
		secret    string
		servers   []Server
		threshold int
		want      string
	}{
		{"empty", "", servers[:1], 1, "empty"},
		{"large", strings.Repeat("x", MaxSecretBytes+1), servers[:1], 1, "8193 bytes"},
		{"a layer", one[0] + "\n", servers[:1], 1, "itself an encrypted message"},
		{"nobody", "x", nil, 1, "no Tang server"},
		{"too many", "x", append(servers, servers[0]), 1, "6 Tang servers are too many"},
		{"none of one", "x", servers[:1], 0, "threshold of 0"},
		{"two of one", "x", servers[:1], 2, "threshold of 2"},
		{"no advertisement", "x", []Server{{URL: "http://x"}}, 1, "no exchange key"},
		{"no URL", "x", []Server{{URL: "x", Advertisement: servers[0].Advertisement}}, 1, "not a URL"},
	} {
		if sealed, err := Seal([]byte(tc.secret), tc.servers, tc.threshold); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, %v", tc.name, sealed, err)
		}
	}
}

func binomial(n, k int) int {
	result := 1
	for i := range k {
		result = result * (n - i) / (i + 1)
	}
	return result
}

// doer answers requests in place of a network.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func answer(status int, body string) doer {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func TestFetch(t *testing.T) {
	k := newTang(t)
	trust, text := thumbprint(t, k.signing[0]), k.advertise(t)
	asked := ""
	adv, err := Fetch(t.Context(), doer(func(r *http.Request) (*http.Response, error) {
		asked = r.Method + " " + r.URL.String()
		return answer(200, text)(r)
	}), guest.Tang{URL: "http://tang.example.com:7500/", Thumbprint: trust})
	if err != nil || adv.Exchange() != thumbprint(t, k.exchange) || asked != "GET http://tang.example.com:7500/adv/"+trust {
		t.Errorf("%v, %v, asked %s", adv, err, asked)
	}
	broken := answer(200, "")
	for _, tc := range []struct {
		name, url, thumbprint string
		client                doer
		want                  string
		untrusted             bool
	}{
		{"not found", "http://x", trust, answer(404, ""), "the Tang server http://x has no key " + trust, true},
		{"a failure", "http://x", trust, answer(500, ""), "answers 500 Internal Server Error", false},
		{"another's answer", "http://x", thumbprint(t, newKey(t)), answer(200, text), "the Tang server http://x: the advertisement is not to be trusted", true},
		{"too long", "http://x", trust, answer(200, strings.Repeat("x", MaxAdvertisementBytes+9)), "more than 32768 bytes", false},
		{"no answer", "http://x", trust, func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }, "does not answer", false},
		{"broken off", "http://x", trust, func(r *http.Request) (*http.Response, error) {
			response, err := broken(r)
			response.Body = io.NopCloser(io.MultiReader(bytes.NewReader([]byte("{")), failing{}))
			return response, err
		}, "broke off its answer", false},
		{"no thumbprint", "http://x", "", nil, "is not the SHA-256 thumbprint", false},
		{"no URL", "tang", trust, nil, "is not a URL of the form", false},
	} {
		_, err := Fetch(t.Context(), tc.client, guest.Tang{URL: tc.url, Thumbprint: tc.thumbprint})
		if err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, ErrUntrusted) != tc.untrusted {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzParseAdvertisement(f *testing.F) {
	f.Add(`{"payload":"e30","protected":"eyJhbGciOiJFUzUxMiJ9","signature":""}`)
	f.Add(`{"payload":"eyJrZXlzIjpbXX0","signatures":[{"protected":"eyJhbGciOiJFUzUxMiJ9","signature":"AA"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		// Nobody can sign for this thumbprint.
		if _, err := ParseAdvertisement([]byte(text), strings.Repeat("A", 43)); err == nil {
			t.Error("believed")
		}
	})
}
