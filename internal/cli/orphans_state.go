package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/orphans"
)

// stateVersion is the format that Terraform has written since 0.12 and
// OpenTofu since its beginning.
const stateVersion = 4

// typePrefix is what our resource types begin with.
const typePrefix = "holdfast_"

// planKind is the one type behind which no cloud has an object.
const planKind = "backup_plan"

// stateFile is what `terraform state pull` prints, as far as it matters here.
type stateFile struct {
	Version *int `json:"version"`
	// FormatVersion is there in the output of `terraform show -json`.
	FormatVersion string `json:"format_version"`
	// Encrypted is there in an OpenTofu state as it lies in its backend.
	Encrypted json.RawMessage `json:"encrypted_data"`
	Resources []struct {
		Mode      string `json:"mode"`
		Type      string `json:"type"`
		Name      string `json:"name"`
		Instances []struct {
			// Attributes are those of any provider's resource. Deposed and
			// tainted instances are owned like the others.
			Attributes json.RawMessage `json:"attributes"`
		} `json:"instances"`
	} `json:"resources"`
}

// readStates adds to owned what the states own; "-" is the standard input. It
// answers how many objects of the deployment there are, and refuses a state of
// another one: against that, everything would be an orphan.
func readStates(names []string, stdin io.Reader, deployment string, owned *orphans.Owned) (count int, err error) {
	for _, name := range names {
		text, err := stateText(name, stdin)
		if err != nil {
			return 0, err
		}
		n, err := readState(text, deployment, owned)
		if err != nil {
			return 0, fmt.Errorf("the state %s: %w", name, err)
		}
		count += n
	}
	return count, nil
}

// stateText reads a file, or the standard input for "-".
func stateText(name string, stdin io.Reader) (text []byte, err error) {
	if name == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	return text, nil
}

// parseState reads the text of a state.
func parseState(text []byte) (stateFile, error) {
	var file stateFile
	if len(bytes.TrimSpace(text)) == 0 {
		return file, errors.New("it is empty; terraform state pull prints the current one")
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return file, fmt.Errorf("it is not what terraform state pull prints: %w", err)
	}
	switch {
	case file.FormatVersion != "":
		return file, errors.New("it is the output of terraform show -json, which leaves out what matters here; use terraform state pull")
	case len(file.Encrypted) > 0:
		return file, errors.New("it is encrypted; tofu state pull prints it in the clear")
	case file.Version == nil:
		return file, errors.New("it is not what terraform state pull prints: it has no version")
	case *file.Version != stateVersion:
		return file, fmt.Errorf("it has the format version %d, and %d is understood", *file.Version, stateVersion)
	}
	return file, nil
}

func readState(text []byte, deployment string, owned *orphans.Owned) (count int, err error) {
	file, err := parseState(text)
	if err != nil {
		return 0, err
	}
	for _, resource := range file.Resources {
		kind, ours := strings.CutPrefix(resource.Type, typePrefix)
		if !ours || resource.Mode != "managed" || kind == planKind {
			continue
		}
		for _, instance := range resource.Instances {
			var attributes struct {
				ID         string `json:"id"`
				Deployment string `json:"deployment"`
			}
			address := resource.Type + "." + resource.Name
			if err := json.Unmarshal(instance.Attributes, &attributes); err != nil {
				return 0, fmt.Errorf("%s: %w", address, err)
			}
			if attributes.Deployment != "" && attributes.Deployment != deployment {
				return 0, fmt.Errorf("%s (%s) belongs to the deployment %q, and orphans of %q are looked for", address, attributes.ID, attributes.Deployment, deployment)
			}
			id, err := cloud.ParseID(attributes.ID)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", address, err)
			}
			owned.Add(cloud.Kind(kind), id)
			count++
		}
	}
	return count, nil
}
