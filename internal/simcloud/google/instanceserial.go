package google

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
)

// serialOutput answers what the instance wrote to a serial port. No machine
// stands behind it: the first port has what firmware and boot loader of every
// machine say, the others nothing. Reading the output needs no setting of the
// instance; serial-port-enable is about the interactive console, which is none
// of this API's methods.
func serialOutput(c *call) (any, error) {
	i, err := instances.get(c)
	if err != nil {
		return nil, err
	}
	number := func(name string, absent, least, most int) (int, error) {
		s := c.query().Get(name)
		if s == "" {
			return absent, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return 0, invalid(name, s, "Must be between %d and %d, inclusive.", least, most)
		}
		return n, nil
	}
	port, err := number("port", 1, 1, 4)
	if err != nil {
		return nil, err
	}
	start, err := number("start", 0, -1<<30, 1<<30)
	if err != nil {
		return nil, err
	}
	if s := i.state(c.tx); s != vmRunning && s != "STOPPING" {
		return nil, notReady(i)
	}
	text := ""
	if port == 1 {
		text = i.console()
	}
	if start < 0 { // counted from the end
		start = len(text) + start
	}
	start = min(max(start, 0), len(text))
	return map[string]any{"kind": "compute#serialPortOutput", "contents": text[start:], "start": Int64(start), "next": Int64(len(text)),
		"selfLink": linkTo(i) + "/serialPort"}, nil
}

// console is what a boot leaves on the console, once for each.
func (i *Instance) console() string {
	var b strings.Builder
	for range i.Boots {
		if i.Shielded != nil {
			b.WriteString("UEFI: Attempting to start image.\r\nDescription: UEFI Google PersistentDisk\r\n")
		} else {
			b.WriteString("SeaBIOS (version 1.8.2-google)\r\nBooting from Hard Disk 0...\r\n")
		}
		host := i.Hostname
		if host == "" {
			host = i.Name
		}
		fmt.Fprintf(&b, "\r\n%s login: \r\n", host)
	}
	return b.String()
}

// shieldedIdentity answers the public keys of the instance's virtual TPM, which
// are made when somebody first asks and stay. Those of elliptic curves suffice;
// the vendor's RSA keys and certificates are left out, as their fields allow.
func shieldedIdentity(c *call) (any, error) {
	i, err := instances.get(c)
	if err != nil {
		return nil, err
	}
	if i.Shielded == nil || !isTrue(i.Shielded.VTPM) {
		return nil, badRequest("The instance has no virtual TPM.")
	}
	if i = instances.edit(c.tx, i); len(i.IdentityKeys) == 0 {
		for range 2 {
			text, err := newPublicKey()
			if err != nil {
				return nil, err
			}
			i.IdentityKeys = append(i.IdentityKeys, text)
		}
	}
	type entry struct {
		Pub string `json:"ekPub"`
	}
	return map[string]any{"kind": "compute#shieldedInstanceIdentity",
		"eccP256EncryptionKey": entry{i.IdentityKeys[0]}, "eccP256SigningKey": entry{i.IdentityKeys[1]}}, nil
}

func newPublicKey() (string, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// referrers answers who refers to the instance; instance groups, which would,
// are none of this cloud's.
func referrers(c *call) (any, error) {
	i, err := instances.get(c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"kind": "compute#instanceListReferrers", "id": pathOf(i) + "/referrers", "selfLink": linkTo(i) + "/referrers"}, nil
}
