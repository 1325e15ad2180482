package build

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"crypto/sha256"
	"encoding/hex"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

func TestCheckToolsNamesPackages(t *testing.T) {
	err := CheckTools(func(name string) (string, error) {
		if name == "sfdisk" || name == "mcopy" || name == "mmd" {
			return "", errors.New("not found")
		}
		return "/usr/bin/" + name, nil
	})
	if err == nil || !strings.Contains(err.Error(), "install --no-install-recommends fdisk mtools") {
		t.Errorf("got %v", err)
	}
}

func TestParseLockRefuses(t *testing.T) {
	good := Lock{Version: 1, Suite: "bookworm", Arch: "amd64", Epoch: 1, Packages: []Package{{
		Name: "a", Version: "1", Arch: "all", Archive: "debian", Path: "pool/main/a/a/a_1_all.deb", Size: 1, SHA256: strings.Repeat("0", 64),
	}}}
	text, err := good.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseLock(text); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]string{
		"reads version 1": `"version": 1,|"version": 2,`,
		"no SHA-256":      strings.Repeat("0", 64) + "|../../etc/passwd",
		"its path":        "pool/main/a/a/a_1_all.deb|../x.deb",
		"archive \"x\"":   `"archive": "debian"|"archive": "x"`,
		"unknown field":   `"suite"|"sweet"`,
		"no epoch":        `"epoch": 1|"epoch": 0`,
	} {
		from, to, _ := strings.Cut(change, "|")
		if _, err := ParseLock(bytes.Replace(text, []byte(from), []byte(to), 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", change, err, want)
		}
	}
}

func TestPoolTakesOnlyWhatTheLockSays(t *testing.T) {
	content := []byte("a package")
	sum := sha256.Sum256(content)
	asked, wrong := 0, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; wrong {
			fmt.Fprint(w, "b package")
			return
		}
		w.Write(content)
	}))
	defer server.Close()
	pool := Pool{Dir: t.TempDir(), HTTP: server.Client()}
	lock := Lock{Packages: []Package{{Name: "a", Version: "1", Archive: "debian", Path: "pool/a.deb", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}}}
	archive := Archive{Mirror: server.URL}
	wrong = true
	if _, err := pool.Fill(t.Context(), archive, lock); err == nil || !strings.Contains(err.Error(), "and "+lock.Packages[0].SHA256+" was expected") {
		t.Fatalf("a forged package is taken: %v", err)
	}
	if left, _ := os.ReadDir(pool.Dir); len(left) != 0 {
		t.Errorf("a forged package leaves %v", left)
	}
	wrong = false
	for _, want := range []int{1, 0} {
		if n, err := pool.Fill(t.Context(), archive, lock); err != nil || n != want {
			t.Errorf("fetched %d, %v; want %d", n, err, want)
		}
	}
	// Somebody changed the cache: it is fetched again.
	if err := os.WriteFile(pool.file(lock.Packages[0]), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := pool.Fill(t.Context(), archive, lock); err != nil || n != 1 {
		t.Errorf("fetched %d, %v after the cache was changed", n, err)
	}
	if asked != 3 {
		t.Errorf("%d requests", asked)
	}
}

func TestArchiveAddresses(t *testing.T) {
	a := Archive{Mirror: "http://mirror.example/"}
	name, path, err := a.archiveOf("http://mirror.example/debian-security/pool/x.deb")
	if err != nil || name != "debian-security" || path != "pool/x.deb" {
		t.Errorf("got %q %q %v", name, path, err)
	}
	a.Snapshot = time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	if got := a.sources("bookworm"); !strings.Contains(got, "https://snapshot.debian.org/archive/debian-security/20261123T010203Z bookworm-security main") {
		t.Errorf("got %s", got)
	}
	if err := (Archive{Mirror: "ftp://x"}).Check(); err == nil {
		t.Error("ftp is taken")
	}
}

// archiveOf makes a tar file of headers.
func tarOf(t *testing.T, headers ...tar.Header) io.Reader {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for _, h := range headers {
		content := []byte(h.Linkname)
		if h.Typeflag == tar.TypeReg {
			h.Size, h.Linkname = int64(len(content)), ""
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &text
}

func TestReadTree(t *testing.T) {
	epoch := time.Unix(1000, 0)
	entries, err := readTree(tarOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeDir, Name: "./a-b/", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: "./a/z", Linkname: "content", ModTime: time.Unix(5000, 0), Mode: 0o644},
		tar.Header{Typeflag: tar.TypeDir, Name: "./a/", Mode: 0o755, ModTime: time.Unix(10, 0)},
		tar.Header{Typeflag: tar.TypeReg, Name: "./etc/ssh/ssh_host_rsa_key", Linkname: "key"},
		tar.Header{Typeflag: tar.TypeReg, Name: "./var/log/dpkg.log", Linkname: "log"},
		tar.Header{Typeflag: tar.TypeReg, Name: "./etc/machine-id", Linkname: "id"},
		tar.Header{Typeflag: tar.TypeReg, Name: "./var/lib/apt/lists/x", Linkname: "list"},
		tar.Header{Typeflag: tar.TypeChar, Name: "./dev/null"},
	), t.TempDir(), epoch)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Path)
		if e.ModTime.After(epoch) {
			t.Errorf("%s is of %s, after the epoch", e.Path, e.ModTime)
		}
	}
	if want := []string{"/", "/a", "/a/z", "/a-b"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q: sorted, directories before what they hold, without what belongs to the build", names, want)
	}
	if _, err := readTree(tarOf(t, tar.Header{Typeflag: tar.TypeFifo, Name: "./p"}), t.TempDir(), epoch); err == nil {
		t.Error("a pipe is taken")
	}
}

func TestSplit(t *testing.T) {
	layout := image.Layout()
	var entries []entry
	for _, name := range []string{"/", "/etc", "/usr", "/usr/bin", "/var", "/var/log", "/var/log/audit", "/var/log/x", "/boot", "/boot/efi", "/boot/efi/EFI"} {
		entries = append(entries, entry{Path: name, Type: tar.TypeDir})
	}
	got := map[string]string{}
	for name, list := range split(layout, entries) {
		var paths []string
		for _, e := range list {
			paths = append(paths, e.Path)
		}
		got[name] = strings.Join(paths, " ")
	}
	for name, want := range map[string]string{
		"root": "/ /etc /usr /var /boot", "usr": "/usr /usr/bin", "var": "/var /var/log",
		"varlog": "/var/log /var/log/audit /var/log/x", "audit": "/var/log/audit", "boot": "/boot /boot/efi", "esp": "/boot/efi /boot/efi/EFI",
	} {
		if got[name] != want {
			t.Errorf("%s has %q, want %q", name, got[name], want)
		}
	}
}

func TestPlaces(t *testing.T) {
	list, err := places(image.Layout(), DefaultGiB<<30)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(mib)
	for _, p := range list {
		if p.start != at || p.start%mib != 0 {
			t.Errorf("%s begins at %d, want %d", p.Name, p.start, at)
		}
		at += p.bytes
	}
	if at != DefaultGiB<<30-mib {
		t.Errorf("the last partition ends at %d", at)
	}
	if _, err := places(image.Layout(), 3<<30); err == nil {
		t.Error("3 GiB are enough")
	}
}

func TestEmbedGRUB(t *testing.T) {
	list, err := places(image.Layout(), DefaultGiB<<30)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	table := bytes.Repeat([]byte{7}, sector)
	if _, err := disk.WriteAt(table, 0); err != nil {
		t.Fatal(err)
	}
	core := bytes.Repeat([]byte{9}, 3*sector+1)
	if err := embedGRUB(disk, list, make([]byte, sector), core); err != nil {
		t.Fatal(err)
	}
	first, start := make([]byte, sector), list[0].start/sector
	if _, err := disk.ReadAt(first, 0); err != nil {
		t.Fatal(err)
	}
	if got := binary.LittleEndian.Uint64(first[0x5c:]); got != uint64(start) {
		t.Errorf("the boot sector loads sector %d, and the core is at %d", got, start)
	}
	if !bytes.Equal(first[440:], table[440:]) {
		t.Error("the partition table was written over")
	}
	if _, err := disk.ReadAt(first, list[0].start); err != nil {
		t.Fatal(err)
	}
	if from, n := binary.LittleEndian.Uint64(first[500:]), binary.LittleEndian.Uint16(first[508:]); from != uint64(start+1) || n != 3 {
		t.Errorf("the core loads %d sectors from %d", n, from)
	}
	if err := embedGRUB(disk, list, make([]byte, sector), make([]byte, 2*mib)); err == nil {
		t.Error("a core that does not fit is embedded")
	}
}

// run is a runner whose tools have to be there.
func testRunner(t *testing.T, programs ...string) runner {
	t.Helper()
	for _, name := range programs {
		if _, err := Look(name); err != nil {
			t.Skip(err)
		}
	}
	return runner{log: io.Discard}
}

// The same entries give the same bytes, and debugfs reads back what was meant.
func TestExt4IsReproducibleAndTrue(t *testing.T) {
	r := testRunner(t, "mke2fs", "debugfs", "e2fsck")
	epoch := time.Unix(1700000000, 0)
	file := func(name, content string) string {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	part := image.Partition{Name: "home", Mount: "/home", FS: "ext4"}
	made := func() (string, [sha256.Size]byte) {
		dir := t.TempDir()
		entries := []entry{
			{Path: "/home", Type: tar.TypeDir, Mode: 0o750, GID: 7, ModTime: epoch},
			{Path: "/home/with space", Type: tar.TypeReg, Mode: 0o640, UID: 1000, GID: 100000, ModTime: time.Unix(1600000000, 0), Blob: file(filepath.Join(dir, "blob"), "hello"), Xattrs: map[string]string{"security.capability": "\x01\x00\x00\x02\x00 \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"}},
			{Path: "/home/hard", Type: tar.TypeLink, Link: "/home/with space"},
			{Path: "/home/link", Type: tar.TypeSymlink, Link: "../x y", ModTime: epoch},
			{Path: "/home/many", Type: tar.TypeDir, Mode: 0o1777, ModTime: epoch, Xattrs: map[string]string{"user.a": "first"}},
			{Path: "/home/other", Type: tar.TypeDir, Mode: 0o755, ModTime: epoch, Xattrs: map[string]string{"user.a": "second"}},
		}
		// More names than one block of a directory holds.
		for i := range 300 {
			name := fmt.Sprintf("/home/many/file-with-a-rather-long-name-%04d", i)
			entries = append(entries, entry{Path: name, Type: tar.TypeReg, Mode: 0o600, ModTime: epoch, Blob: filepath.Join(dir, "blob")})
		}
		out := filepath.Join(dir, "fs")
		x := ext4{part: part, ids: image.NewIdentifiers([]byte("x")), epoch: epoch, entries: entries, file: out, bytes: 32 * mib, dir: dir}
		if err := x.make(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return out, sha256.Sum256(text)
	}
	fs, first := made()
	// A second later, in another directory.
	time.Sleep(1100 * time.Millisecond)
	if _, second := made(); first != second {
		t.Error("the same entries give other bytes")
	}
	ask := func(request string) string {
		out, err := r.run(context.Background(), nil, "debugfs", "-R", request, fs)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	stat := ask(`stat "/with space"`)
	for _, want := range []string{"Mode:  0640", "User:  1000", "Group: 100000", "Links: 2", "Size: 5", "security.capability (20)"} {
		if !strings.Contains(stat, want) {
			t.Errorf("%q is missing:\n%s", want, stat)
		}
	}
	if got := ask(`cat /hard`); got != "hello" {
		t.Errorf("the hard link holds %q", got)
	}
	if got := ask(`stat /link`); !strings.Contains(got, `Fast link dest: "../x y"`) {
		t.Errorf("the symbolic link: %s", got)
	}
	if got := ask(`stat /`); !strings.Contains(got, "Mode:  0750") || !strings.Contains(got, "Group:     7") {
		t.Errorf("the root: %s", got)
	}
	for dir, want := range map[string]string{"/many": "first", "/other": "second"} {
		if got := ask("ea_get " + dir + " user.a"); !strings.Contains(got, want) {
			t.Errorf("%s has %q, want %q", dir, got, want)
		}
	}
	if got := strings.Count(ask(`ls -p /many`), "rather-long"); got != 300 {
		t.Errorf("%d of 300 files", got)
	}
}

func TestExt4SaysWhenItIsFull(t *testing.T) {
	r := testRunner(t, "mke2fs", "debugfs", "e2fsck")
	dir := t.TempDir()
	blob := filepath.Join(dir, "blob")
	if err := os.WriteFile(blob, bytes.Repeat([]byte{1}, 40*mib), 0o600); err != nil {
		t.Fatal(err)
	}
	x := ext4{part: image.Partition{Name: "home", Mount: "/home"}, ids: image.NewIdentifiers(nil), epoch: time.Unix(1, 0), file: filepath.Join(dir, "fs"), bytes: 16 * mib, dir: dir,
		entries: []entry{{Path: "/home", Type: tar.TypeDir, Mode: 0o755}, {Path: "/home/a", Type: tar.TypeReg, Mode: 0o644, Blob: blob}}}
	if err := x.make(t.Context(), r); err == nil || !strings.Contains(err.Error(), "is it full?") {
		t.Errorf("got %v", err)
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := hashOutput(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	write := func(o ...Output) {
		if err := WriteManifest(filepath.Join(dir, FileManifest), Manifest{Version: ManifestVersion, Outputs: o}); err != nil {
			t.Fatal(err)
		}
	}
	write(output)
	if _, err := Verify(dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("contenT"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(dir); err == nil {
		t.Error("a changed file is verified")
	}
	write(Output{Name: "../a"})
	if _, err := Verify(dir); err == nil || !strings.Contains(err.Error(), "no file beside it") {
		t.Errorf("got %v", err)
	}
	write()
	if _, err := Verify(dir); err == nil {
		t.Error("a manifest without files is verified")
	}
}
