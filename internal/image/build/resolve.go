package build

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

// resolve asks apt, on lists of its own, which packages a plan comes to.
func resolve(ctx context.Context, r runner, archive Archive, plan image.Plan, dir string) (Lock, error) {
	lock := Lock{Version: LockVersion, Suite: plan.Params.Suite, Arch: plan.Params.Arch}
	if err := archive.Check(); err != nil {
		return lock, err
	}
	if _, err := os.Stat(keyring); err != nil {
		return lock, fmt.Errorf("%w. On Debian: apt-get install debian-archive-keyring", err)
	}
	config, err := aptDirectory(dir, archive, plan.Params)
	if err != nil {
		return lock, err
	}
	r.env = append(r.env, "APT_CONFIG="+config)
	if _, err := r.run(ctx, nil, "apt-get", "-qq", "update"); err != nil {
		return lock, err
	}
	args := []string{"apt-get", "-qq", "--yes", "--print-uris", "install", "?essential"}
	printed, err := r.run(ctx, nil, append(args, plan.Packages...)...)
	if err != nil {
		return lock, err
	}
	known, epoch, err := readLists(filepath.Join(dir, "state", "lists"))
	if err != nil {
		return lock, err
	}
	if lock.Epoch = epoch; !archive.Snapshot.IsZero() {
		lock.Epoch = min(epoch, archive.Snapshot.Unix())
	}
	lines := bufio.NewScanner(bytes.NewReader(printed))
	line := regexp.MustCompile(`^'([^']+)' \S+ [0-9]+ `)
	for lines.Scan() {
		found := line.FindStringSubmatch(lines.Text())
		if found == nil {
			return lock, fmt.Errorf("apt-get printed %q where the address of a package was expected", lines.Text())
		}
		name, path, err := archive.archiveOf(found[1])
		if err != nil {
			return lock, err
		}
		// apt writes the address as a URL, its lists hold the plain path.
		plain, err := url.PathUnescape(path)
		if err != nil {
			return lock, fmt.Errorf("%s: %w", found[1], err)
		}
		p, ok := known[plain]
		if !ok {
			return lock, fmt.Errorf("%s is in none of the lists that apt-get fetched", plain)
		}
		p.Archive, p.Path = name, path
		lock.Packages = append(lock.Packages, p)
	}
	for _, name := range plan.Remove {
		for _, p := range lock.Packages {
			if p.Name == name {
				return lock, fmt.Errorf("the profile forbids package %s, and something depends on it", name)
			}
		}
	}
	return lock, lock.check()
}

// aptDirectory makes a configuration under which apt knows nothing of the
// machine that it runs on. It returns its file.
func aptDirectory(dir string, archive Archive, params image.Params) (string, error) {
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return "", err
		}
	}
	config := fmt.Sprintf(`Dir %[1]q;
Dir::State "%[1]s/state";
Dir::State::status "%[1]s/state/status";
Dir::Cache "%[1]s/cache";
Dir::Etc "%[1]s/etc";
Dir::Etc::SourceList "%[1]s/etc/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture %[2]q;
APT::Architectures { %[2]q; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::Check-Valid-Until "%[3]t";
`, dir, params.Arch, archive.Snapshot.IsZero())
	file := filepath.Join(dir, "apt.conf")
	for name, text := range map[string]string{
		file: config, filepath.Join(dir, "state", "status"): "",
		filepath.Join(dir, "etc", "sources.list"): archive.sources(params.Suite),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return file, nil
}

// readLists reads the lists of packages that apt fetched and verified, by the
// path within their archive, and the newest date of the signed indexes.
func readLists(dir string) (map[string]Package, int64, error) {
	known, epoch := map[string]Package{}, int64(0)
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, "_Packages"):
			if err := readStanzas(name, func(p Package, _ map[string]string) { known[p.Path] = p }); err != nil {
				return nil, 0, err
			}
		case strings.HasSuffix(name, "Release"):
			err := readStanzas(name, func(_ Package, fields map[string]string) {
				if date, err := time.Parse(time.RFC1123, fields["Date"]); err == nil {
					epoch = max(epoch, date.Unix())
				}
			})
			if err != nil {
				return nil, 0, err
			}
		}
	}
	if epoch == 0 || len(known) == 0 {
		return nil, 0, fmt.Errorf("%s: apt-get update left no lists with a date", dir)
	}
	return known, epoch, nil
}

// readStanzas reads a file of Debian's control form, stanza by stanza.
func readStanzas(name string, each func(Package, map[string]string)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return scanStanzas(bufio.NewReaderSize(f, 1<<20), each)
}

func scanStanzas(from *bufio.Reader, each func(Package, map[string]string)) error {
	fields := map[string]string{}
	flush := func() {
		if len(fields) > 0 {
			size, _ := strconv.ParseInt(fields["Size"], 10, 64)
			source, _, _ := strings.Cut(fields["Source"], " ")
			if source == "" {
				source = fields["Package"]
			}
			each(Package{
				Name: fields["Package"], Version: fields["Version"], Arch: fields["Architecture"],
				Path: fields["Filename"], Size: size, SHA256: fields["SHA256"], Source: source,
			}, fields)
			fields = map[string]string{}
		}
	}
	scanner := bufio.NewScanner(from)
	scanner.Buffer(make([]byte, 1<<16), 1<<24)
	for scanner.Scan() {
		line := scanner.Text()
		if line == "" {
			flush()
			continue
		}
		if key, value, ok := strings.Cut(line, ":"); ok && line[0] != ' ' && line[0] != '\t' {
			fields[key] = strings.TrimSpace(value)
		}
	}
	flush()
	return scanner.Err()
}
