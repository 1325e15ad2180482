package s3

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// maxObject is the largest object that one request may carry: 5 GiB.
const maxObject = 5 << 30

// checksums are the additional checksums of a content, by the header's last word.
func checksums() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"crc32":  func() hash.Hash { return crc32.NewIEEE() },
		"crc32c": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		// The NVMe polynomial, reflected.
		"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
		"sha1":      sha1.New,
		"sha256":    sha256.New,
	}
}

const checksumHeader = "X-Amz-Checksum-"

// receive reads the body into the store and holds it to everything that was said
// of it. It answers the checksum that the client sent, by algorithm, if it did.
func (c *call) receive() (*objects.Content, map[string]string, error) {
	body, trailers, err := c.decoded(c.r.Body)
	if err != nil {
		return nil, nil, err
	}
	algorithm, want := c.checksum()
	var extra []hash.Hash
	if algorithm != "" {
		extra = append(extra, checksums()[algorithm]())
	}
	content, err := c.api.store.Receive(io.LimitReader(body, maxObject+1), extra...)
	if err != nil {
		var refused *Error
		if errors.As(err, &refused) {
			return nil, nil, err
		}
		return nil, nil, fail("IncompleteBody", "")
	}
	sums := map[string]string{}
	err = c.intact(content)
	if err == nil && algorithm != "" {
		if want == "" {
			want = trailers.Get(checksumHeader + algorithm)
		}
		got := base64.StdEncoding.EncodeToString(extra[0].Sum(nil))
		if want != "" && got != want {
			err = fail("BadDigest", "The %s you specified did not match the calculated checksum.", algorithm)
		}
		sums[algorithm] = got
	}
	if err != nil {
		content.Release()
		return nil, nil, err
	}
	return content, sums, nil
}

// intact compares a content with its announced size and hashes.
func (c *call) intact(content *objects.Content) error {
	if content.Size > maxObject {
		return fail("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	if text := c.r.Header.Get("X-Amz-Decoded-Content-Length"); text != "" && text != strconv.FormatInt(content.Size, 10) {
		return fail("IncompleteBody", "")
	}
	if text := c.r.Header.Get("Content-Md5"); text != "" {
		want, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(want) != md5.Size {
			return fail("InvalidDigest", "The Content-MD5 you specified is not valid.")
		}
		if !bytes.Equal(want, content.MD5) {
			return fail("BadDigest", "")
		}
	}
	if text := c.r.Header.Get("X-Amz-Content-Sha256"); len(text) == 2*sha256.Size && text != hex.EncodeToString(content.SHA256) {
		return fail("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}

// checksum is the algorithm that the client chose, and its value where it does
// not come behind the body.
func (c *call) checksum() (algorithm, value string) {
	for name := range checksums() {
		if v := c.r.Header.Get(checksumHeader + name); v != "" {
			return name, v
		}
		if strings.EqualFold(c.r.Header.Get("X-Amz-Trailer"), checksumHeader+name) {
			return name, ""
		}
	}
	name := strings.ToLower(c.r.Header.Get("X-Amz-Sdk-Checksum-Algorithm"))
	if checksums()[name] != nil {
		return name, ""
	}
	return "", ""
}

// small reads a body that is a document.
func (c *call) small() ([]byte, error) {
	body, _, err := c.decoded(c.r.Body)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(body, 4<<20))
	if err != nil {
		return nil, refusalOf(err)
	}
	sum, tag := sha256.Sum256(b), md5.Sum(b)
	return b, c.intact(&objects.Content{Segment: objects.Segment{Size: int64(len(b))}, MD5: tag[:], SHA256: sum[:]})
}

// decoded takes the signed chunks off a body. The trailers are complete when the
// body has ended.
func (c *call) decoded(body io.Reader) (io.Reader, http.Header, error) {
	trailers := http.Header{}
	kind := c.r.Header.Get("X-Amz-Content-Sha256")
	switch kind {
	case signedChunks, signedTrailers, unsignedTrailers:
	default:
		if strings.HasPrefix(kind, "STREAMING-") {
			return nil, nil, fail("NotImplemented", "The payload %s is not supported.", kind)
		}
		return body, trailers, nil
	}
	if c.signed == nil {
		return nil, nil, fail("AccessDenied", "")
	}
	d := &chunks{in: bufio.NewReader(body), trailers: trailers, s: c.signed, previous: c.signed.value, signed: kind != unsignedTrailers}
	return d, trailers, nil
}

// chunks reads aws-chunked bodies: size;chunk-signature=…, data, …, size 0, trailers.
type chunks struct {
	in       *bufio.Reader
	trailers http.Header
	s        *signature
	signed   bool
	previous string // the signature before
	expected string // that of the present chunk
	left     int64
	sum      hash.Hash
	begun    bool
	ended    bool
}

func (d *chunks) Read(p []byte) (int, error) {
	for d.left == 0 {
		if d.ended {
			return 0, io.EOF
		}
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	if int64(len(p)) > d.left {
		p = p[:d.left]
	}
	n, err := d.in.Read(p)
	d.left -= int64(n)
	d.sum.Write(p[:n])
	if errors.Is(err, io.EOF) {
		err = fail("IncompleteBody", "")
	}
	return n, err
}

// next ends the chunk before and begins one.
func (d *chunks) next() error {
	if d.begun {
		if line, err := d.line(); err != nil || line != "" {
			return fail("IncompleteBody", "")
		}
		if err := d.check(); err != nil {
			return err
		}
	}
	line, err := d.line()
	if err != nil {
		return fail("IncompleteBody", "")
	}
	size, extension, _ := strings.Cut(line, ";")
	if d.left, err = strconv.ParseInt(size, 16, 64); err != nil || d.left < 0 {
		return fail("InvalidRequest", "The size %q of a chunk is no number.", size)
	}
	d.expected = strings.TrimPrefix(extension, "chunk-signature=")
	d.sum, d.begun = sha256.New(), true
	if d.left > 0 {
		return nil
	}
	d.ended = true
	if err := d.check(); err != nil {
		return err
	}
	return d.tail()
}

// check holds the chunk that was read to its signature.
func (d *chunks) check() error {
	if !d.signed {
		return nil
	}
	return d.match("AWS4-HMAC-SHA256-PAYLOAD\n"+d.s.stamp+"\n"+d.s.scope()+"\n"+d.previous+"\n"+hexSum("")+"\n"+
		hex.EncodeToString(d.sum.Sum(nil)), d.expected)
}

func (d *chunks) match(text, expected string) error {
	got := sign(d.s.key, text)
	if subtle.ConstantTimeCompare([]byte(got), []byte(expected)) != 1 {
		return fail("SignatureDoesNotMatch", "")
	}
	d.previous = got
	return nil
}

// tail reads the trailers.
func (d *chunks) tail() error {
	var canonical strings.Builder
	signature := ""
	for {
		line, err := d.line()
		if line == "" && err == nil && d.signed && canonical.Len() > 0 && signature == "" {
			continue // minio-go puts an empty line before the signature
		}
		if line == "" {
			break // the end of the body without an empty line is an end too
		}
		if err != nil {
			return fail("IncompleteBody", "")
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			signature = value
			continue
		}
		d.trailers.Set(name, value)
		canonical.WriteString(name + ":" + value + "\n")
	}
	if !d.signed || canonical.Len() == 0 {
		return nil
	}
	return d.match("AWS4-HMAC-SHA256-TRAILER\n"+d.s.stamp+"\n"+d.s.scope()+"\n"+d.previous+"\n"+hexSum(canonical.String()), signature)
}

// line reads up to the end of a line, which must not be endless.
func (d *chunks) line() (string, error) {
	text, err := d.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fail("InvalidRequest", "A line of the body is too long.")
	}
	return strings.TrimRight(string(text), "\r\n"), err
}
