package guest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/seal"
)

// open does what the machine does: it takes the first text that `clevis
// decrypt` opens to the last layer.
func open(t *testing.T, sealed guest.Sealed) (string, error) {
	t.Helper()
	all := errors.New("no text could be opened")
	for _, text := range sealed {
		opened, err := try(t, text, "clevis", "decrypt")
		for err == nil && guest.IsSealed([]byte(opened)) {
			opened, err = try(t, opened, "clevis", "decrypt")
		}
		if err == nil {
			return opened, nil
		}
		all = errors.Join(all, err)
	}
	return "", all
}

// A secret with everything that a shell or a file could spoil.
const secret = "correct horse\n\tbattery $(staple) \"ünï\" 'code' \\0 \x00\n"

func TestSealedForTang(t *testing.T) {
	for _, tc := range []struct {
		name      string
		servers   int
		threshold int
		down      []int
		opens     bool
	}{
		{"1 of 1", 1, 1, nil, true},
		{"1 of 1, gone", 1, 1, []int{0}, false},
		{"1 of 2", 2, 1, nil, true},
		{"1 of 2, the first gone", 2, 1, []int{0}, true},
		{"1 of 2, the second gone", 2, 1, []int{1}, true},
		{"1 of 2, both gone", 2, 1, []int{0, 1}, false},
		{"2 of 2", 2, 2, nil, true},
		{"2 of 2, the outer gone", 2, 2, []int{0}, false},
		{"2 of 2, the inner gone", 2, 2, []int{1}, false},
		{"2 of 3", 3, 2, nil, true},
		{"2 of 3, the first gone", 3, 2, []int{0}, true},
		{"2 of 3, the second gone", 3, 2, []int{1}, true},
		{"2 of 3, the third gone", 3, 2, []int{2}, true},
		{"2 of 3, two gone", 3, 2, []int{0, 2}, false},
		{"3 of 3", 3, 3, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var known []seal.Server
			var running []*tangServer
			for range tc.servers {
				s := startTang(t)
				known, running = append(known, s.server(t)), append(running, s)
			}
			sealed, err := seal.Seal([]byte(secret), known, tc.threshold)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range tc.down {
				running[i].stop()
			}
			opened, err := open(t, sealed)
			switch {
			case tc.opens && (err != nil || opened != secret):
				t.Errorf("opened %q, %v", opened, err)
			case !tc.opens && err == nil:
				t.Errorf("opened %q with too few servers", opened)
			}
		})
	}
}

// A server that has rotated its keys opens what was sealed to the old ones, and
// proves itself with the new ones only.
func TestRotatedTang(t *testing.T) {
	s := startTang(t)
	before, err := seal.Seal([]byte(secret), []seal.Server{s.server(t)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	old := s.Tang
	run(t, "", libexec(t, "tangd-rotate-keys"), "-d", s.keys)
	if opened, err := open(t, before); err != nil || opened != secret {
		t.Errorf("what was sealed before: %q, %v", opened, err)
	}
	if _, err := seal.Fetch(t.Context(), http.DefaultClient, old); !errors.Is(err, seal.ErrUntrusted) {
		t.Errorf("the old thumbprint: %v", err)
	}
	s.Thumbprint = s.signingKey(t)
	after, err := seal.Seal([]byte(secret), []seal.Server{s.server(t)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := open(t, after); err != nil || opened != secret {
		t.Errorf("what was sealed after: %q, %v", opened, err)
	}
}

// A thumbprint that is not the server's, and one that is but of the exchange
// key, are both refused: as an answer of the server and as a text.
func TestWrongThumbprint(t *testing.T) {
	one, other := startTang(t), startTang(t)
	exchange := one.server(t).Advertisement.Exchange()
	for _, thumbprint := range []string{other.Thumbprint, exchange} {
		_, err := seal.Fetch(t.Context(), http.DefaultClient, guest.Tang{URL: one.URL, Thumbprint: thumbprint})
		if !errors.Is(err, seal.ErrUntrusted) {
			t.Errorf("asked: %v", err)
		}
		text := run(t, "", "curl", "-sf", one.URL+"/adv")
		if _, err := seal.ParseAdvertisement([]byte(text), thumbprint); !errors.Is(err, seal.ErrUntrusted) || !strings.Contains(err.Error(), one.Thumbprint) {
			t.Errorf("given: %v", err)
		}
	}
}

// The advertisement as text is as good as an answer: for operators that do not
// reach the server.
func TestGivenAdvertisement(t *testing.T) {
	s := startTang(t)
	text := run(t, "", "curl", "-sf", s.URL+"/adv")
	advertisement, err := seal.ParseAdvertisement([]byte(text), s.Thumbprint)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal.Seal([]byte(secret), []seal.Server{{URL: s.URL + "/", Advertisement: advertisement}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := open(t, sealed); err != nil || opened != secret {
		t.Errorf("opened %q, %v", opened, err)
	}
}

// The largest secret that is sealed, through two layers.
func TestLargeSecret(t *testing.T) {
	one, other := startTang(t), startTang(t)
	large := strings.Repeat("0123456789abcdef", seal.MaxSecretBytes/16)
	sealed, err := seal.Seal([]byte(large), []seal.Server{one.server(t), other.server(t)}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := open(t, sealed); err != nil || opened != large {
		t.Errorf("opened %d bytes, %v", len(opened), err)
	}
}

// With the advertisement at hand, Clevis binds to a server that is away, and
// opens once it is back: this is how a machine binds a volume by
// guest.Tang.Advertisement. A wrong thumbprint is refused all the same.
func TestClevisBindsByAdvertisement(t *testing.T) {
	s := startTang(t)
	text := run(t, "", "curl", "-sf", s.URL+"/adv")
	address := s.listener.Addr().String()
	s.stop()
	pins := func(thumbprint string) string {
		return `{"t":1,"pins":{"tang":[{"url":"` + s.URL + `","thp":"` + thumbprint + `","adv":` + text + `}]}}`
	}
	bound := run(t, secret, "clevis", "encrypt", "sss", pins(s.Thumbprint))
	if _, err := try(t, bound, "clevis", "decrypt"); err == nil {
		t.Error("opened with the server away")
	}
	if _, err := try(t, secret, "clevis", "encrypt", "sss", pins(strings.Repeat("A", 43))); err == nil {
		t.Error("bound to a server with another thumbprint")
	}
	s.listen(t, address)
	if opened := run(t, bound, "clevis", "decrypt"); opened != secret {
		t.Errorf("opened %q", opened)
	}
}
