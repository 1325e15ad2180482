package policy

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// line writes a key as OpenSSH does.
func line(t testing.TB, key any) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

func rsaLine(t testing.TB, bits int) string {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return line(t, &rsa.PublicKey{N: n.Add(n, big.NewInt(0x10001)), E: 0x10001})
}

func ed25519Line(t testing.TB) (public string, private ed25519.PrivateKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return line(t, pub), priv
}

func ecdsaLine(t testing.TB, curve elliptic.Curve) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return line(t, &key.PublicKey)
}

// skLine writes a key of a security key, in the form of OpenSSH's PROTOCOL.u2f.
func skLine(t testing.TB, name string, parts ...any) string {
	t.Helper()
	blob := ssh.Marshal(struct{ Name string }{name})
	for _, p := range parts {
		blob = append(blob, ssh.Marshal(struct{ Part string }{p.(string)})...)
	}
	return name + " " + base64.StdEncoding.EncodeToString(blob)
}

func TestParsePublicKeyAccepts(t *testing.T) {
	edLine, _ := ed25519Line(t)
	edBytes, _, _ := ed25519.GenerateKey(rand.Reader)
	point := func() string {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		bytes, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return string(bytes)
	}
	for _, tc := range []struct {
		name, text, keyType, comment string
		bits                         int
		hardware                     bool
	}{
		{"Ed25519", edLine, "ssh-ed25519", "", 256, false},
		{"with a comment", edLine + " Ada Lovelace <ada@example.com>", "ssh-ed25519", "Ada Lovelace <ada@example.com>", 256, false},
		{"with white space", "\n \t" + strings.Replace(edLine, " ", "\t ", 1) + "  ada \r\n", "ssh-ed25519", "ada", 256, false},
		{"a comment that names a type", edLine + " not ssh-rsa", "ssh-ed25519", "not ssh-rsa", 256, false},
		{"P-256", ecdsaLine(t, elliptic.P256()), "ecdsa-sha2-nistp256", "", 256, false},
		{"P-384", ecdsaLine(t, elliptic.P384()), "ecdsa-sha2-nistp384", "", 384, false},
		{"P-521", ecdsaLine(t, elliptic.P521()), "ecdsa-sha2-nistp521", "", 521, false},
		{"RSA of just enough bits", rsaLine(t, 3072), "ssh-rsa", "", 3072, false},
		{"long RSA", rsaLine(t, 8192), "ssh-rsa", "", 8192, false},
		{"Ed25519 in hardware", skLine(t, "sk-ssh-ed25519@openssh.com", string(edBytes), "ssh:"), "sk-ssh-ed25519@openssh.com", "", 256, true},
		{"ECDSA in hardware", skLine(t, "sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", point(), "ssh:"), "sk-ecdsa-sha2-nistp256@openssh.com", "", 256, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := ParsePublicKey(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if key.Type != tc.keyType || key.Bits != tc.bits || key.Comment != tc.comment || key.HardwareBacked != tc.hardware {
				t.Errorf("got %+v", key)
			}
			if !regexp.MustCompile(`^([0-9a-f]{2}:){15}[0-9a-f]{2}$`).MatchString(key.FingerprintMD5) ||
				!regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`).MatchString(key.FingerprintSHA256) {
				t.Errorf("fingerprints %s %s", key.FingerprintMD5, key.FingerprintSHA256)
			}
			again, err := ParsePublicKey(key.Text)
			if err != nil || again.FingerprintSHA256 != key.FingerprintSHA256 || again.Comment != "" {
				t.Errorf("Text does not round-trip: %+v, %v", again, err)
			}
			expect(t, CheckPublicKey(tc.text))
		})
	}
}

// TestFingerprints compares with what `ssh-keygen -l` says of a published key:
// GitHub's Ed25519 host key,
// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
func TestFingerprints(t *testing.T) {
	key, err := ParsePublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
	if err != nil || key.FingerprintSHA256 != "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU" {
		t.Errorf("%s, %v", key.FingerprintSHA256, err)
	}
}

func TestParsePublicKeyRefuses(t *testing.T) {
	good, _ := ed25519Line(t)
	cert := &ssh.Certificate{CertType: ssh.UserCert}
	signerKey, private := ed25519Line(t)
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert.Key = signer.PublicKey()
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	blob := strings.Fields(good)[1]
	_ = signerKey
	for _, tc := range []struct{ name, text, want string }{
		{"empty", " \n", "SSH key missing | The value is empty. | ssh-keygen -t ed25519"},
		{"comment", "# my key", "SSH key missing | The value is a comment."},
		{"several", good + "\n" + good, "Several lines in an SSH key | it must be one key | one holdfast_ssh_key for each"},
		{"wrapped", good[:40] + "\n" + good[40:], "Several lines in an SSH key"},
		{"options", `command="/bin/false",no-pty ` + good, "Options in an SSH key | authorized_keys options before the key | Give only type, key and comment"},
		{"options with a space", `from="10.0.0.0/8" ` + good, "Options in an SSH key"},
		{"no type", blob, "Not an SSH public key | Accepted are Ed25519, ECDSA, RSA of at least 3072 bits"},
		{"prose", "the key of Ada", "Not an SSH public key"},
		{"a signature algorithm", "rsa-sha2-512 " + blob, "Not an SSH public key"},
		{"DSA", "ssh-dss AAAAB3NzaC1kc3M=", "SSH key too weak | The key is DSA"},
		{"short RSA", rsaLine(t, 2048), "SSH key too weak | RSA with 2048 bits; at least 3072"},
		{"RSA one bit short", rsaLine(t, 3071), "SSH key too weak | RSA with 3071 bits"},
		{"certificate", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert))), "SSH certificate where a key belongs | it expires | Give the public key that the certificate signs"},
		{"only a type", "ssh-ed25519", "SSH key incomplete | no key after it"},
		{"not base64", "ssh-ed25519 AAAA!", "SSH key damaged | is not base64"},
		{"cut off", "ssh-ed25519 " + blob[:24], "SSH key damaged | does not decode to a key"},
		{"more behind it", "ssh-ed25519 " + base64.StdEncoding.EncodeToString(append(decode(t, blob), 0)), "SSH key damaged | does not decode"},
		{"another type", "ecdsa-sha2-nistp256 " + blob, "SSH key contradicts itself | is not the type of the key"},
		{"control characters", good + " \x1b[2J", "Control characters in an SSH key | no text"},
		{"not UTF-8", good + " \xff", "Control characters in an SSH key"},
		{"SSH2 format", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "SSH key in another format | OpenSSH's format of one line | ssh-keygen -i -f key.pub"},
		{"PEM format", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "SSH key in another format | OpenSSH's format | -m PKCS8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := CheckPublicKey(tc.text)
			expect(t, got, "SYS-3 public_key | "+tc.want)
			for _, f := range got {
				noEcho(t, tc.text, f)
			}
		})
	}
	if got := CheckPublicKey(rsaLine(t, 16392)); len(got) != 1 { // refused here or by the parser of SSH
		t.Errorf("an RSA key that OpenSSH cannot read: %v", got)
	}
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// noEcho holds if no run of 12 characters of the input is in the message,
// other than those that the message has of its own accord.
func noEcho(t testing.TB, input string, f Finding) {
	t.Helper()
	own := strings.ToLower("Accepted are " + acceptedTypes + keyRemedy + "----BEGIN SSH2 PUBLIC KEY the key of OpenSSH private key authorized_keys holdfast_ssh_key")
	message := f.Error()
	for i := 0; i+12 <= len(input); i++ {
		piece := input[i : i+12]
		if strings.Contains(message, piece) && !strings.Contains(own, strings.ToLower(piece)) {
			t.Fatalf("the message repeats %q: %s", piece, message)
		}
	}
}

// privateKeys are samples of each form; the secrets are made up.
func privateKeys(t testing.TB) map[string]string {
	t.Helper()
	_, private := ed25519Line(t)
	block, err := ssh.MarshalPrivateKey(private, "ada")
	if err != nil {
		t.Fatal(err)
	}
	openSSH := string(pem.EncodeToMemory(block))
	body := "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"
	return map[string]string{
		"OpenSSH":             openSSH,
		"on one line":         strings.ReplaceAll(openSSH, "\n", " "),
		"in lower case":       strings.ToLower(openSSH),
		"without its header":  strings.Join(strings.Split(openSSH, "\n")[1:4], "\n"),
		"wrapped early":       "b3Blbn\nNzaC1rZXk\ntdjEAAAA" + body,
		"PKCS#1":              "-----BEGIN RSA PRIVATE KEY-----\n" + body,
		"PKCS#8":              "-----BEGIN PRIVATE KEY-----\n" + body,
		"encrypted PKCS#8":    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + body,
		"SEC 1":               "-----BEGIN EC PRIVATE KEY-----\n" + body,
		"SSH2":                "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n" + body,
		"PuTTY":               "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n" + body,
		"part of PuTTY":       "Private-Lines: 1\n" + body,
		"age":                 "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
		"age with a plugin":   "AGE-PLUGIN-YUBIKEY-1QQQQQQQQQQQQQQQQ",
		"PGP":                 "-----BEGIN PGP PRIVATE KEY BLOCK-----\n" + body,
		"JSON web key":        `{"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "d": "` + body + `"}`,
		"behind a public key": "ssh-ed25519 AAAA\n-----BEGIN PRIVATE KEY-----\n" + body,
	}
}

func TestPrivateKeyIsRefusedWithoutEcho(t *testing.T) {
	for name, text := range privateKeys(t) {
		t.Run(name, func(t *testing.T) {
			got := CheckPublicKey(text)
			expect(t, got, "SYS-3 public_key | Private key where a public key belongs | It is not repeated here | Treat that key as leaked")
			for _, f := range got {
				for _, word := range strings.Fields(text) {
					if len(word) > 12 && strings.Contains(f.Error(), word) {
						t.Errorf("the message repeats %q", word)
					}
				}
			}
		})
	}
	good, _ := ed25519Line(t)
	for _, harmless := range []string{"", good, "PRIVATE KEY", "how to BEGIN with a key", `{"kty": "OKP"}`, "age1qqqqqqqq"} {
		if kind, found := privateKey(harmless); found {
			t.Errorf("%q was taken for %s", harmless, kind)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	good, _ := ed25519Line(f)
	f.Add(good + " ada")
	f.Add(ecdsaLine(f, elliptic.P384()))
	f.Add(rsaLine(f, 3072))
	f.Add(rsaLine(f, 1024))
	f.Add("from=\"10.0.0.0/8\" " + good)
	for _, text := range privateKeys(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParsePublicKey(text)
		if err != nil {
			var finding Finding
			if !errors.As(err, &finding) || finding.Promise != SYS3 || finding.Remedy == "" {
				t.Fatalf("%v", err)
			}
			if key != (Key{}) {
				t.Fatalf("refused, but %+v", key)
			}
			return
		}
		if _, found := privateKey(text); found {
			t.Fatal("a private key was accepted")
		}
		if key.Type == ssh.KeyAlgoRSA && key.Bits < MinRSABits || key.Bits < 256 {
			t.Fatalf("weak: %+v", key)
		}
		// What was accepted is one key in OpenSSH's eyes, too, and the same.
		public, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(text)))
		if err != nil || len(options) > 0 || len(rest) > 0 || ssh.FingerprintSHA256(public) != key.FingerprintSHA256 {
			t.Fatalf("%v %q %q %q %+v", err, comment, options, rest, key)
		}
		again, err := ParsePublicKey(key.Text + " " + key.Comment)
		if err != nil || again != key {
			t.Fatalf("%+v does not round-trip: %+v, %v", key, again, err)
		}
	})
}
