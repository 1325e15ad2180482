package build

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Debian's two archives.
const (
	archiveMain     = "debian"
	archiveSecurity = "debian-security"
)

// Archive says where Debian is fetched from.
type Archive struct {
	// Mirror is the URL below which "debian" and "debian-security" lie.
	Mirror string
	// Snapshot fetches the archive as it was at that time, from Debian's own
	// record of all its states; the zero time takes the mirror.
	Snapshot time.Time
}

// DefaultMirror is Debian's. What comes from there is trusted for its archive's
// signature, not for how it came.
const DefaultMirror = "http://deb.debian.org"

// snapshots is Debian's record of the archive's states, see
// https://snapshot.debian.org/.
const snapshots = "https://snapshot.debian.org/archive"

// url is where one of the two archives lies.
func (a Archive) url(archive string) string {
	if !a.Snapshot.IsZero() {
		return snapshots + "/" + archive + "/" + a.Snapshot.UTC().Format("20060102T150405Z")
	}
	return strings.TrimSuffix(a.Mirror, "/") + "/" + archive
}

// Check says what is wrong with the mirror's address.
func (a Archive) Check() error {
	u, err := url.Parse(a.Mirror)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(a.Mirror, " \t\n[]") {
		return fmt.Errorf("mirror %q: want a URL such as %s", a.Mirror, DefaultMirror)
	}
	return nil
}

// keyring holds the keys that sign Debian's archive.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// sources is apt's list of sources.
func (a Archive) sources(suite string) string {
	var s strings.Builder
	for _, line := range []struct{ archive, suite string }{
		{archiveMain, suite}, {archiveMain, suite + "-updates"}, {archiveSecurity, suite + "-security"},
	} {
		fmt.Fprintf(&s, "deb [signed-by=%s] %s %s main\n", keyring, a.url(line.archive), line.suite)
	}
	return s.String()
}

// archiveOf tells from which archive a URL that apt printed comes.
func (a Archive) archiveOf(address string) (archive, path string, err error) {
	for _, name := range []string{archiveSecurity, archiveMain} {
		if rest, ok := strings.CutPrefix(address, a.url(name)+"/"); ok {
			return name, rest, nil
		}
	}
	return "", "", fmt.Errorf("%s is in none of the archives", address)
}
