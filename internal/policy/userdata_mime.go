package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"unicode/utf8"
)

// archive judges a MIME message: each part by its type, or by its first line
// where the type says nothing.
func (c *userData) archive(text, place string, depth int) {
	message, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(text, "\r\n", "\n")))
	if err != nil {
		c.unreadable(orWhole(place), "is not a well-formed MIME message")
		return
	}
	c.part(textproto.MIMEHeader(message.Header), message.Body, place, depth)
}

func (c *userData) part(header textproto.MIMEHeader, body io.Reader, place string, depth int) {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		c.unreadable(orWhole(place), "has no readable Content-Type")
		return
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		c.multipart(multipart.NewReader(body, params["boundary"]), place, depth)
		return
	}
	text, err := decodePart(header.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		c.unreadable(orWhole(place), "cannot be decoded")
		return
	}
	c.embeddedKey(text, place)
	switch mediaType {
	case "text/cloud-config":
		c.parts++
		c.cloudConfig(text, place)
	case "text/cloud-config-archive":
		c.parts++
		c.cloudArchive(text, place, depth)
	case "text/x-shellscript":
		// cloud-init goes by the first line if it knows that, whatever the type
		// says (find_ctype in its user_data.py).
		c.document(text, place, depth+1)
	case "text/x-shellscript-per-boot", "text/x-shellscript-per-instance", "text/x-shellscript-per-once", "text/cloud-boothook":
		c.parts++
		c.program(text, place)
	case "text/jinja2":
		_, rest, found := strings.Cut(text, "\n")
		if !found || !strings.HasPrefix(strings.ToLower(text), "## template: jinja") {
			rest = text
		}
		c.template(rest, place, depth)
	case "text/plain":
		c.document(text, place, depth+1)
	default:
		c.unreadable(orWhole(place), "has a MIME type that is fetched, executed or unknown")
	}
}

func (c *userData) multipart(reader *multipart.Reader, place string, depth int) {
	if depth >= maxUserDataDepth {
		c.unreadable(orWhole(place), "is nested too deep or has too many parts")
		return
	}
	for n := 1; ; n++ {
		// Raw: the transfer encoding is decoded by decodePart.
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) && n > 1 {
			return
		}
		if err != nil || n > maxUserDataParts {
			c.unreadable(orWhole(place), "is not a well-formed MIME archive")
			return
		}
		c.part(part.Header, part, in(place, fmt.Sprintf("Part %d", n)), depth+1)
	}
}

// decodePart undoes a MIME transfer encoding.
func decodePart(encoding string, body io.Reader) (string, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		// The decoder skips line ends.
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "", "7bit", "8bit", "binary":
	default:
		return "", errors.New("unknown transfer encoding")
	}
	return readText(body)
}

// readText reads all of a text, within bounds.
func readText(r io.Reader) (string, error) {
	text, err := readBounded(r)
	if err == nil && !utf8.ValidString(text) {
		err = errors.New("not text")
	}
	return text, err
}

func readBounded(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDecodedBytes+1))
	if err == nil && len(data) > maxDecodedBytes {
		err = errors.New("too large")
	}
	return string(data), err
}

// embeddedKey looks for a private key in what was decoded.
func (c *userData) embeddedKey(text, place string) {
	if kind, found := privateKey(text); found {
		c.breaks("Private key in user data", fmt.Sprintf("%s holds %s. The cloud keeps user data in clear, and every process of the machine can read them.", orWhole(place), kind),
			"Treat that key as leaked. Let the machine make its own keys, or give it only what is encrypted to it.")
	}
}
