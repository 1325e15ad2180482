package google

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

//go:embed data/images.json
var imageData []byte

// stockImage is an image that the vendor keeps.
type stockImage struct {
	// Name is what the other clouds call it.
	Name    string `json:"name"`
	Project string `json:"project"`
	// X86 and ARM are families; empty if there is none.
	X86 string `json:"x86"`
	ARM string `json:"arm"`
	// SecureBoot tells that its boot loader is signed with a key that every
	// Shielded VM trusts.
	SecureBoot bool `json:"secure_boot"`
}

var stockImages = sync.OnceValues(func() ([]stockImage, error) {
	var file struct {
		Images []stockImage `json:"images"`
	}
	if err := json.Unmarshal(imageData, &file); err != nil {
		return nil, fmt.Errorf("google: the list of images: %w", err)
	}
	return file.Images, nil
})

// image is what a VM is made from.
type image struct {
	// source is the field sourceImage.
	source string
	// secureBoot tells whether Secure Boot can be on.
	secureBoot bool
}

// resolveImage finds the image that a spec names, for an architecture:
//
//   - a stock image by its neutral name or its family ("debian-12",
//     "ubuntu-24.04", "debian-12-arm64");
//   - any by its path ("projects/p/global/images/i",
//     "projects/p/global/images/family/f");
//   - one of the driver's project by its name alone.
//
// Nothing is asked of the API.
func (d *Driver) resolveImage(name string, architecture cloud.Architecture) (image, error) {
	stock, err := stockImages()
	if err != nil {
		return image{}, err
	}
	if strings.Contains(name, "/") {
		return image{source: name, secureBoot: isStock(stock, part(name, "projects"))}, nil
	}
	for _, s := range stock {
		family := s.X86
		switch {
		case name == "" || name != s.Name && name != s.X86 && name != s.ARM:
			continue
		case name != s.Name: // a family, which stands for one architecture
			family = name
		case architecture == cloud.ArchARM:
			family = s.ARM
		}
		if family == "" {
			return image{}, invalid(cloud.KindVM, "image", fmt.Sprintf("Google Cloud keeps no image %s for the architecture %s", name, architecture),
				"Choose another image ("+strings.Join(namesFor(stock, architecture), ", ")+"), or a server type of another architecture.")
		}
		return image{source: familyURL(s.Project, family), secureBoot: s.SecureBoot}, nil
	}
	if !nativePattern.MatchString(name) {
		return image{}, invalid(cloud.KindVM, "image", fmt.Sprintf("%q is no image of Google Cloud", name),
			"Name a stock image ("+strings.Join(namesFor(stock, architecture), ", ")+"), an image of the project, or the path of any: projects/<project>/global/images/<name>.")
	}
	return image{source: d.globalURL("images", name)}, nil
}

func familyURL(project, family string) string {
	return "projects/" + project + "/global/images/family/" + family
}

// isStock tells whether a project is one in which the vendor keeps images that
// all can boot with Secure Boot.
func isStock(stock []stockImage, project string) bool {
	return slices.ContainsFunc(stock, func(s stockImage) bool { return s.Project == project && s.SecureBoot })
}

// namesFor names the stock images of an architecture.
func namesFor(stock []stockImage, architecture cloud.Architecture) []string {
	var names []string
	for _, s := range stock {
		if architecture != cloud.ArchARM || s.ARM != "" {
			names = append(names, s.Name)
		}
	}
	return names
}
