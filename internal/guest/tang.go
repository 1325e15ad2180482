package guest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// CheckThumbprint judges the form of a SHA-256 thumbprint: 43 characters of
// base64url. Older servers show SHA-1 thumbprints, which are refused.
func CheckThumbprint(thumbprint string) error {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(thumbprint)
	if err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("%.60q is not the SHA-256 thumbprint of a key, which has 43 letters, digits, '-' and '_'", thumbprint)
	}
	return nil
}

// ParseTangURL judges the URL of a Tang server and answers it without a slash at
// its end, as Clevis wants it.
func ParseTangURL(text string) (string, error) {
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("%.200q is not a URL", text)
	case parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Host == "", parsed.Opaque != "":
		return "", fmt.Errorf("%.200q is not a URL of the form http://host:port", text)
	case parsed.User != nil:
		// Not repeated: it may hold a password.
		return "", errors.New("the URL of a Tang server holds credentials, which it needs none of, and which every process of the machine could read")
	case parsed.RawQuery != "", parsed.ForceQuery, parsed.Fragment != "":
		return "", fmt.Errorf("%.200q has a query or a fragment, which the URL of a Tang server has not", text)
	}
	return strings.TrimRight(text, "/"), nil
}

// IsSealed tells whether a text has the form of a sealed text (a JWE in compact
// form with a header for Clevis): what a machine has opened is the secret only
// if it has not.
func IsSealed(text []byte) bool {
	parts := strings.Split(string(bytes.TrimSpace(text)), ".")
	if len(parts) != 5 {
		return false
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return false
	}
	var fields struct {
		Clevis json.RawMessage `json:"clevis"`
	}
	return json.Unmarshal(header, &fields) == nil && fields.Clevis != nil
}
