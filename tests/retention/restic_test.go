package retention

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// resticBinary finds restic, or installs Debian's package where that is
// possible.
func resticBinary(t *testing.T) string {
	t.Helper()
	path, err := harness.FindRestic(t.Context())
	if err != nil {
		t.Skip(err)
	}
	return path
}

// repository is a restic repository in a folder of the test's.
type repository struct {
	restic, dir string
	key         masterKey
}

// masterKey is what `restic cat masterkey` prints.
type masterKey struct {
	MAC struct {
		K []byte `json:"k"`
		R []byte `json:"r"`
	} `json:"mac"`
	Encrypt []byte `json:"encrypt"`
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{restic: resticBinary(t), dir: filepath.Join(t.TempDir(), "repository")}
	r.run(t, "init")
	if err := json.Unmarshal(r.run(t, "cat", "masterkey"), &r.key); err != nil {
		t.Fatalf("cat masterkey: %v", err)
	}
	return r
}

// run starts restic with an environment that holds nothing of the person's.
func (r *repository) run(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := harness.Restic{Program: r.restic, Repository: r.dir, Home: filepath.Dir(r.dir)}.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *repository) version(t *testing.T) string {
	t.Helper()
	fields := strings.Fields(string(r.run(t, "version")))
	if len(fields) < 2 || fields[0] != "restic" {
		t.Fatalf("restic version answers %q", fields)
	}
	return fields[1]
}

// atLeast tells whether a version is 0.minor or later. From 0.16 restic keeps
// the oldest snapshot as well (https://github.com/restic/restic/pull/4366).
func atLeast(t *testing.T, version string, minor int) bool {
	t.Helper()
	var major, has int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &has); err != nil {
		t.Fatalf("version %q: %v", version, err)
	}
	return major > 0 || has >= minor
}

// addSnapshot writes the object of a snapshot and returns its id: the JSON
// document, encrypted with AES-256-CTR and signed with Poly1305-AES, in a file
// named by its SHA-256 (restic's references, "Repository Format").
func (r *repository) addSnapshot(t *testing.T, tag string, at time.Time) string {
	t.Helper()
	document, err := json.Marshal(map[string]any{
		"time": at.Format(time.RFC3339Nano),
		// Nothing reads the tree while nothing is removed.
		"tree":  strings.Repeat("0", 63) + "1",
		"paths": []string{"/data"}, "hostname": "vm", "username": "root",
		"tags": []string{tag},
	})
	if err != nil {
		t.Fatal(err)
	}
	object := r.key.seal(t, document)
	sum := sha256.Sum256(object)
	id := hex.EncodeToString(sum[:])
	if err := os.WriteFile(filepath.Join(r.dir, "snapshots", id), object, 0o600); err != nil {
		t.Fatal(err)
	}
	return id
}

func (k masterKey) seal(t *testing.T, plain []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(k.Encrypt)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, aes.BlockSize)
	if _, err := rand.Read(nonce); err != nil {
		t.Fatal(err)
	}
	sealed := make([]byte, len(plain))
	cipher.NewCTR(block, nonce).XORKeyStream(sealed, plain)

	// Poly1305-AES: the one-time key is r and the nonce encrypted with k.
	mac, err := aes.NewCipher(k.MAC.K)
	if err != nil {
		t.Fatal(err)
	}
	var once [16]byte
	mac.Encrypt(once[:], nonce)
	return append(append(nonce, sealed...), poly1305(sealed, k.MAC.R, once[:])...)
}

// poly1305 is the authenticator of RFC 8439, section 2.5, by the book: the
// library's was withdrawn from use outside ChaCha20-Poly1305.
func poly1305(message, r, s []byte) []byte {
	little := func(b []byte) *big.Int {
		b = slices.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	clamp, _ := new(big.Int).SetString("0ffffffc0ffffffc0ffffffc0fffffff", 16)
	factor := new(big.Int).And(little(r), clamp)
	prime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 130), big.NewInt(5))
	sum := new(big.Int)
	for block := range slices.Chunk(message, 16) {
		sum.Add(sum, little(append(slices.Clone(block), 1)))
		sum.Mul(sum, factor).Mod(sum, prime)
	}
	sum.Add(sum, little(s))
	tag := make([]byte, 17)
	sum.FillBytes(tag[:]) // sum is below 2^131
	tag = tag[1:]
	slices.Reverse(tag)
	return tag
}

// The example of RFC 8439, section 2.5.2.
func TestPoly1305(t *testing.T) {
	key, err := hex.DecodeString("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(poly1305([]byte("Cryptographic Forum Research Group"), key[:16], key[16:])); got != "a8061dc1305136c6c22b8baf0c0127a9" {
		t.Error(got)
	}
}

// forget asks restic what it would do, by tag.
func (r *repository) forget(t *testing.T) map[string]harness.ResticGroup {
	t.Helper()
	groups, err := harness.ParseForget(r.run(t, "forget", "--no-lock", "--group-by", "tags",
		"--keep-daily", "7", "--keep-weekly", "4", "--keep-monthly", "3", "--dry-run", "--json"))
	if err != nil {
		t.Fatal(err)
	}
	byTag := map[string]harness.ResticGroup{}
	for _, g := range groups {
		if len(g.Tags) != 1 {
			t.Fatalf("restic groups by %v", g.Tags)
		}
		byTag[g.Tags[0]] = g
	}
	return byTag
}
