package objects

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// blobs keeps contents by their hash and counts who needs them.
type blobs struct {
	dir  string // empty: in memory
	mu   sync.Mutex
	held map[string][]byte // contents, in memory
	refs map[string]int
}

// openBlobs opens the folder, and makes it if there is none.
func openBlobs(dir string) (*blobs, error) {
	b := &blobs{dir: dir, held: map[string][]byte{}, refs: map[string]int{}}
	if dir == "" {
		return b, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the simulator's objects: %w", err)
	}
	return b, nil
}

// sweep removes what nobody needs: what a killed process left.
func (b *blobs) sweep() error {
	if b.dir == "" {
		return nil
	}
	files, err := os.ReadDir(b.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		if b.refs[f.Name()] == 0 {
			errs = append(errs, os.Remove(filepath.Join(b.dir, f.Name())))
		}
	}
	return errors.Join(errs...)
}

// retain and release count; a content that nobody needs is gone.
func (b *blobs) retain(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		b.refs[id]++
	}
}

func (b *blobs) release(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if b.refs[id]--; b.refs[id] > 0 {
			continue
		}
		delete(b.refs, id)
		delete(b.held, id)
		if b.dir != "" {
			_ = os.Remove(filepath.Join(b.dir, id)) // the next start tries again
		}
	}
}

// open answers a reader of a content, which stays good when the content is removed.
func (b *blobs) open(id string) (io.ReadSeekCloser, error) {
	if b.dir != "" {
		return os.Open(filepath.Join(b.dir, id))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.held[id]
	if !ok {
		return nil, fmt.Errorf("the content %s is not there", id)
	}
	return nopCloser{bytes.NewReader(content)}, nil
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// Content is what was received and is not yet part of an object. Release must be
// called when it is, or will not be.
type Content struct {
	Segment
	MD5    []byte
	SHA256 []byte
	CRC32C uint32
	store  *blobs
	freed  sync.Once
}

// Release tells that nobody needs the content for the sake of this receipt.
func (c *Content) Release() { c.freed.Do(func() { c.store.release(c.Blob) }) }

// Receive reads a content to its end. extra hashes see it too.
func (s *Store) Receive(r io.Reader, extra ...hash.Hash) (*Content, error) {
	b := s.blobs
	var sink io.Writer
	var file *os.File
	var memory bytes.Buffer
	if b.dir == "" {
		sink = &memory
	} else {
		f, err := os.CreateTemp(b.dir, "incoming-")
		if err != nil {
			return nil, err
		}
		defer os.Remove(f.Name()) // fails when it got its name below
		defer f.Close()
		sink, file = f, f
	}
	sum, tag, crc := sha256.New(), md5.New(), crc32.New(crc32.MakeTable(crc32.Castagnoli))
	all := []io.Writer{sink, sum, tag, crc}
	for _, h := range extra {
		all = append(all, h)
	}
	n, err := io.Copy(io.MultiWriter(all...), r)
	if err != nil {
		return nil, err
	}
	c := &Content{Segment: Segment{Blob: hex.EncodeToString(sum.Sum(nil)), Size: n}, MD5: tag.Sum(nil), SHA256: sum.Sum(nil),
		CRC32C: crc.Sum32(), store: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	if file == nil {
		b.held[c.Blob] = memory.Bytes()
	} else if err := os.Rename(file.Name(), filepath.Join(b.dir, c.Blob)); err != nil {
		return nil, err
	}
	b.refs[c.Blob]++
	return c, nil
}

// Open reads n bytes of a version's content from an offset on. Called within the
// transaction that found the version, it keeps the content until Close, whatever
// becomes of the version.
func (s *Store) Open(segments []Segment, offset, n int64) io.ReadCloser {
	r := &reader{blobs: s.blobs, segments: segments, skip: offset, left: n}
	for _, g := range segments {
		r.held = append(r.held, g.Blob)
	}
	s.blobs.retain(r.held...)
	return r
}

type reader struct {
	blobs    *blobs
	held     []string
	segments []Segment
	skip     int64
	left     int64
	open     io.ReadCloser
	closed   sync.Once
}

func (r *reader) Read(p []byte) (int, error) {
	for r.left > 0 {
		if r.open == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		if int64(len(p)) > r.left {
			p = p[:r.left]
		}
		n, err := r.open.Read(p)
		r.left -= int64(n)
		if errors.Is(err, io.EOF) {
			err = r.end()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

// next opens the segment at which reading goes on.
func (r *reader) next() error {
	for len(r.segments) > 0 && r.skip >= r.segments[0].Size {
		r.skip -= r.segments[0].Size
		r.segments = r.segments[1:]
	}
	if len(r.segments) == 0 {
		return io.ErrUnexpectedEOF
	}
	f, err := r.blobs.open(r.segments[0].Blob)
	if err != nil {
		return err
	}
	if _, err := f.Seek(r.skip, io.SeekStart); err != nil {
		return errors.Join(err, f.Close())
	}
	r.open, r.skip, r.segments = f, 0, r.segments[1:]
	return nil
}

// Close gives back what is open and kept.
func (r *reader) Close() error {
	err := r.end()
	r.closed.Do(func() { r.blobs.release(r.held...) })
	return err
}

// end closes the present segment.
func (r *reader) end() error {
	if r.open == nil {
		return nil
	}
	f := r.open
	r.open = nil
	return f.Close()
}
