package build

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The parts of SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/) that a list of
// packages needs.
type spdxDocument struct {
	SPDXVersion       string             `json:"spdxVersion"`
	DataLicense       string             `json:"dataLicense"`
	SPDXID            string             `json:"SPDXID"`
	Name              string             `json:"name"`
	DocumentNamespace string             `json:"documentNamespace"`
	CreationInfo      spdxCreation       `json:"creationInfo"`
	Packages          []spdxPackage      `json:"packages"`
	Relationships     []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID           string         `json:"SPDXID"`
	Name             string         `json:"name"`
	VersionInfo      string         `json:"versionInfo,omitempty"`
	Supplier         string         `json:"supplier"`
	DownloadLocation string         `json:"downloadLocation"`
	FilesAnalyzed    bool           `json:"filesAnalyzed"`
	LicenseConcluded string         `json:"licenseConcluded"`
	LicenseDeclared  string         `json:"licenseDeclared"`
	CopyrightText    string         `json:"copyrightText"`
	SourceInfo       string         `json:"sourceInfo,omitempty"`
	Checksums        []spdxChecksum `json:"checksums,omitempty"`
	ExternalRefs     []spdxRef      `json:"externalRefs,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION"

// sbom is the software bill of materials of an image: its packages with their
// hashes, as SPDX 2.3 JSON. Licences stand in the image, in
// /usr/share/doc/*/copyright, and are not judged here.
func sbom(m Manifest, lock Lock) ([]byte, error) {
	const imageID = "SPDXRef-image"
	doc := spdxDocument{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: "holdfast-image",
		DocumentNamespace: "https://github.com/holdfast-cloud/terraform-provider-holdfast/image/" + m.Inputs.All,
		CreationInfo:      spdxCreation{Created: time.Unix(m.Epoch, 0).UTC().Format(time.RFC3339), Creators: []string{"Tool: holdfast"}},
		Packages: []spdxPackage{{
			SPDXID: imageID, Name: "holdfast-image", VersionInfo: m.Inputs.All[:12], Supplier: noAssertion, DownloadLocation: noAssertion,
			LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
		}},
		Relationships: []spdxRelationship{{"SPDXRef-DOCUMENT", "DESCRIBES", imageID}},
	}
	locked := map[string]Package{}
	for _, p := range lock.Packages {
		locked[p.Name] = p
	}
	for _, p := range m.Packages {
		from := locked[p.Name]
		id := "SPDXRef-Package-" + strings.NewReplacer("+", "-plus-", "_", "-").Replace(p.Name)
		doc.Packages = append(doc.Packages, spdxPackage{
			SPDXID: id, Name: p.Name, VersionInfo: p.Version, Supplier: "Organization: Debian",
			DownloadLocation: DefaultMirror + "/" + from.Archive + "/" + from.Path,
			LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
			SourceInfo: "built from the source package " + p.Source,
			Checksums:  []spdxChecksum{{"SHA256", from.SHA256}},
			ExternalRefs: []spdxRef{{"PACKAGE-MANAGER", "purl",
				fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s&distro=%s", url.PathEscape(p.Name), url.PathEscape(p.Version), from.Arch, lock.Suite)}},
		})
		doc.Relationships = append(doc.Relationships, spdxRelationship{imageID, "CONTAINS", id})
	}
	text, err := json.MarshalIndent(doc, "", " ")
	return append(text, '\n'), err
}
