package build

import (
	"archive/tar"
	"io"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

// writeOverlay writes files as a tar file that unpacks over a tree: parents
// first, sorted, all owned by root (owners by name are given in the tree, which
// knows them).
func writeOverlay(to io.Writer, files []image.File, epoch time.Time) error {
	w := tar.NewWriter(to)
	made := map[string]bool{"/": true}
	for _, f := range slices.SortedFunc(slices.Values(files), func(a, b image.File) int { return comparePaths(a.Path, b.Path) }) {
		var parents []string
		for dir := path.Dir(f.Path); !made[dir]; dir = path.Dir(dir) {
			parents = append(parents, dir)
			made[dir] = true
		}
		slices.Reverse(parents)
		for _, dir := range parents {
			header := &tar.Header{Typeflag: tar.TypeDir, Name: "." + dir + "/", Mode: 0o755, ModTime: epoch, Format: tar.FormatGNU}
			if err := w.WriteHeader(header); err != nil {
				return err
			}
		}
		mode, err := strconv.ParseInt(f.Mode, 8, 64)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: "." + f.Path, Mode: mode, Size: int64(len(f.Content)), ModTime: epoch, Format: tar.FormatGNU}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.WriteString(w, f.Content); err != nil {
			return err
		}
	}
	return w.Close()
}
