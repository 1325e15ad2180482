package policy

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
)

// Bounds of an RSA key in bits: the least for a strength of 128 bits (NIST SP
// 800-57 part 1 revision 5, table 2), and the most that OpenSSH reads
// (SSHBUF_MAX_BIGNUM).
const (
	MinRSABits = 3072
	MaxRSABits = 16384
)

// Key is a public key that may be used for remote management (SYS-3).
type Key struct {
	// Type is OpenSSH's name: "ssh-ed25519".
	Type string
	// Bits is the size: of the modulus for RSA, of the curve otherwise.
	Bits    int
	Comment string
	// FingerprintMD5 is in the form "aa:bb:…", FingerprintSHA256 in OpenSSH's
	// form "SHA256:…". Two texts are the same key if their FingerprintSHA256
	// are equal.
	FingerprintMD5    string
	FingerprintSHA256 string
	// HardwareBacked tells that the private half lives in a security key.
	HardwareBacked bool
	// Text is the key as one line without its comment.
	Text string
}

// curveBits are the accepted types with a fixed size, by OpenSSH's names.
func curveBits(keyType string) (bits int, hardware, ok bool) {
	switch keyType {
	case ssh.KeyAlgoED25519:
		return 256, false, true
	case ssh.KeyAlgoECDSA256:
		return 256, false, true
	case ssh.KeyAlgoECDSA384:
		return 384, false, true
	case ssh.KeyAlgoECDSA521:
		return 521, false, true
	case ssh.KeyAlgoSKED25519:
		return 256, true, true
	case ssh.KeyAlgoSKECDSA256:
		return 256, true, true
	}
	return 0, false, false
}

const (
	keyRemedy = "Give the one line of a file such as ~/.ssh/id_ed25519.pub, or make a new pair with `ssh-keygen -t ed25519`."
	dsaType   = "ssh-dss"
)

// ParsePublicKey reads one line in the format of OpenSSH's public key files:
// type, base64, comment. It accepts Ed25519, ECDSA of at least 256 bits, RSA
// of at least 3072 bits, and the hardware-backed kinds of the first two. The
// error is a Finding of SYS-3 and never repeats any part of the text, since
// that may be a private key.
func ParsePublicKey(text string) (Key, error) {
	refuse := func(summary, detail, remedy string) (Key, error) {
		return Key{}, Finding{Promise: SYS3, Summary: summary, Detail: detail, Remedy: remedy}
	}
	if kind, found := privateKey(text); found {
		return refuse("Private key where a public key belongs",
			"The value holds "+kind+". It is not repeated here, but whoever can read the configuration or its history can read it.",
			"Treat that key as leaked: make a new pair with `ssh-keygen -t ed25519`, and give the line of the .pub file.")
	}
	line := strings.TrimSpace(text)
	switch {
	case line == "":
		return refuse("SSH key missing", "The value is empty.", keyRemedy)
	case strings.Contains(strings.ToUpper(line), "BEGIN SSH2 PUBLIC KEY"), strings.HasPrefix(line, "-----BEGIN"):
		return refuse("SSH key in another format", "The value is not in OpenSSH's format of one line.",
			"Convert it: `ssh-keygen -i -f key.pub` for an SSH2 public key, `ssh-keygen -i -m PKCS8 -f key.pub` for a PEM public key.")
	case strings.ContainsAny(line, "\n\r"):
		return refuse("Several lines in an SSH key", "The value has several lines; it must be one key.",
			"Declare one holdfast_ssh_key for each engineer's key, and give a wrapped key as one line.")
	case !utf8.ValidString(line), strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		return refuse("Control characters in an SSH key", "The value holds characters that are no text.", keyRemedy)
	case line[0] == '#':
		return refuse("SSH key missing", "The value is a comment.", keyRemedy)
	}

	fields := strings.Fields(line)
	if !isKeyType(fields[0]) {
		if slices.ContainsFunc(fields[1:], isKeyType) {
			return refuse("Options in an SSH key", "There are authorized_keys options before the key; clouds would drop or misread them.",
				"Give only type, key and comment; restrict a key in the image's sshd configuration.")
		}
		return refuse("Not an SSH public key", "The value does not begin with a type of key that is known. Accepted are "+acceptedTypes+".", keyRemedy)
	}
	switch {
	case fields[0] == dsaType:
		return refuse("SSH key too weak", "The key is DSA, which is limited to 1024 bits and disabled in OpenSSH.", keyRemedy)
	case isCertificate(fields[0]):
		return refuse("SSH certificate where a key belongs",
			"The value is a certificate; it expires, and clouds install plain keys only.", "Give the public key that the certificate signs.")
	case len(fields) < 2:
		return refuse("SSH key incomplete", "There is a type, but no key after it.", keyRemedy)
	}
	return parseBlob(fields[0], fields[1], strings.Join(fields[2:], " "), refuse)
}

func parseBlob(keyType, encoded, comment string, refuse func(summary, detail, remedy string) (Key, error)) (Key, error) {
	blob, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return refuse("SSH key damaged", "The part after the type is not base64; perhaps it was cut off or wrapped.", keyRemedy)
	}
	public, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return refuse("SSH key damaged", "The part after the type does not decode to a key; perhaps it was cut off.", keyRemedy)
	}
	if public.Type() != keyType {
		return refuse("SSH key contradicts itself", "The type written before the key is not the type of the key.", keyRemedy)
	}
	bits, hardware, ok := curveBits(keyType)
	if !ok {
		modulus, isRSA := rsaBits(public)
		switch {
		case !isRSA:
			return refuse("Not an accepted type of SSH key", "Accepted are "+acceptedTypes+".", keyRemedy)
		case modulus < MinRSABits:
			return refuse("SSH key too weak", fmt.Sprintf("The key is RSA with %d bits; at least %d are needed.", modulus, MinRSABits), keyRemedy)
		case modulus > MaxRSABits:
			return refuse("SSH key too long", fmt.Sprintf("The key is RSA with %d bits; OpenSSH reads at most %d.", modulus, MaxRSABits), keyRemedy)
		}
		bits = modulus
	}
	return Key{
		Type: keyType, Bits: bits, Comment: comment, HardwareBacked: hardware,
		FingerprintMD5: ssh.FingerprintLegacyMD5(public), FingerprintSHA256: ssh.FingerprintSHA256(public),
		Text: keyType + " " + base64.StdEncoding.EncodeToString(blob),
	}, nil
}

// acceptedTypes is for people.
const acceptedTypes = "Ed25519, ECDSA, RSA of at least 3072 bits, and their hardware-backed kinds (sk-ssh-ed25519, sk-ecdsa)"

func isKeyType(word string) bool {
	if _, _, ok := curveBits(word); ok {
		return true
	}
	return word == ssh.KeyAlgoRSA || word == dsaType || isCertificate(word)
}

func isCertificate(word string) bool {
	return strings.HasSuffix(word, "-cert-v01@openssh.com") && (strings.HasPrefix(word, "ssh-") ||
		strings.HasPrefix(word, "ecdsa-") || strings.HasPrefix(word, "sk-"))
}

func rsaBits(public ssh.PublicKey) (bits int, ok bool) {
	if public.Type() != ssh.KeyAlgoRSA {
		return 0, false
	}
	holder, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return 0, false
	}
	key, ok := holder.CryptoPublicKey().(*rsa.PublicKey)
	if !ok {
		return 0, false
	}
	return key.N.BitLen(), true
}

// CheckPublicKey judges the attribute `public_key`.
func CheckPublicKey(text string) []Finding {
	_, err := ParsePublicKey(text)
	return at("public_key", err)
}
