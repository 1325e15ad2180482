package archtest

import "slices"

// Module is the module path that every pattern of Layers is relative to.
const Module = "github.com/holdfast-cloud/terraform-provider-holdfast"

// Modules outside this one that only some layers may use.
const (
	framework   = "github.com/hashicorp/terraform-plugin-"
	hetznerSDK  = "github.com/hetznercloud/hcloud-go"
	s3SDK       = "github.com/minio/minio-go" // of Hetzner's object store
	googleSDK   = "cloud.google.com/go"
	googleAPI   = "google.golang.org/api"
	openstack   = "github.com/gophercloud"
	alibabaSDK  = "github.com/aliyun"
	commandLine = "github.com/spf13/cobra"
)

// vendorSDKs lists the client libraries of the clouds: each belongs to one
// driver and to nobody else.
var vendorSDKs = []string{hetznerSDK, s3SDK, googleSDK, googleAPI, openstack, alibabaSDK}

// Layer says what the packages that match Packages may import.
//
// A pattern is a slash-separated path relative to the module ("internal/cloud",
// "." for the module's root). A last element "..." matches the package before
// it and everything below; an element "*" matches one element.
type Layer struct {
	// Packages are the patterns of the packages that the layer is made of.
	Packages []string
	// Module are the patterns of this module's packages that it may import,
	// besides those of its own subtree.
	Module []string
	// StandardOnly forbids every module outside this one.
	StandardOnly bool
	// Forbidden are import path prefixes outside this module that it may not
	// import, although others may.
	Forbidden []string
	// Why is the reason, printed with each finding.
	Why string
}

// Layers returns the table of the module: the first layer that matches a
// package decides. It is a function so that nobody can change the table.
func Layers() []Layer {
	pure := func(packages string, module ...string) Layer {
		return Layer{
			Packages:  []string{packages},
			Module:    append([]string{"internal/cloud"}, module...),
			Forbidden: append([]string{framework, commandLine}, vendorSDKs...),
			Why:       "pure parts know the neutral model only: no framework, no vendor, no driver",
		}
	}
	driver := func(name string, sdk ...string) Layer {
		return Layer{
			Packages:  []string{"internal/driver/" + name + "/..."},
			Module:    []string{"internal/cloud", "internal/catalog", "internal/driver/retry"},
			Forbidden: append([]string{framework, commandLine}, without(vendorSDKs, sdk...)...),
			Why:       "a driver knows the neutral model, the catalogue and its own SDK; never the plugin framework",
		}
	}
	return []Layer{
		{
			Packages:  []string{"internal/cloud/cloudtest"},
			Module:    []string{"internal/cloud"},
			Forbidden: append([]string{framework, commandLine}, vendorSDKs...),
			Why:       "the conformance suite knows no driver: every driver passes the same one",
		},
		{
			Packages:     []string{"internal/cloud/..."},
			StandardOnly: true,
			Why:          "the neutral model depends on the standard library only",
		},
		// Downward: a line may name those above it, not those below.
		pure("internal/catalog/..."),
		pure("internal/policy/...", "internal/catalog"),
		pure("internal/budget/...", "internal/catalog"),
		// What a guest reports is read by the inventory of backups; the rest of
		// the guest builds on backups.
		pure("internal/guest/status"),
		pure("internal/backup/...", "internal/catalog", "internal/policy", "internal/guest/status"),
		pure("internal/guest/...", "internal/catalog", "internal/policy", "internal/backup", "internal/guest/status"),
		pure("internal/image/...", "internal/catalog", "internal/policy", "internal/guest"),
		pure("internal/recovery/...", "internal/catalog", "internal/policy", "internal/budget", "internal/backup", "internal/guest"),
		{Packages: []string{"internal/driver/retry"}, StandardOnly: true, Why: "what all drivers share knows none of them"},
		driver("hetzner", hetznerSDK, s3SDK),
		driver("google", googleSDK, googleAPI),
		driver("ovh", openstack),
		driver("alibaba", alibabaSDK),
		{
			Packages: []string{"internal/service/..."},
			Module: []string{
				"internal/cloud", "internal/catalog", "internal/policy", "internal/backup",
				"internal/guest/...", "internal/image", "internal/image/cloudbuild", "internal/recovery",
			},
			Forbidden: append([]string{commandLine}, vendorSDKs...),
			Why:       "services speak to the neutral interfaces: never to a driver, its budget or the embedded cloud",
		},
		{
			Packages:  []string{"internal/simcloud/..."},
			Forbidden: append([]string{framework, commandLine}, vendorSDKs...),
			Why:       "the embedded clouds share nothing with the product: a mistake made on both sides would cancel out",
		},
		{
			Packages:  []string{"internal/provider/..."},
			Module:    []string{"internal/cloud", "internal/catalog", "internal/policy", "internal/budget", "internal/backup", "internal/guest/...", "internal/image", "internal/recovery", "internal/driver/...", "internal/service/..."},
			Forbidden: append([]string{commandLine}, vendorSDKs...),
			Why:       "the provider wires drivers, budget and services together; vendors stay behind their drivers",
		},
		{
			Packages:  []string{"internal/cli/..."},
			Module:    []string{"internal/..."},
			Forbidden: vendorSDKs,
			Why:       "the command line sees everything of ours; vendors stay behind their drivers",
		},
		{
			Packages:  []string{"internal/schemajson"},
			Forbidden: append([]string{commandLine}, vendorSDKs...),
			Why:       "it translates the plugin protocol, and knows nothing of what is served by it",
		},
		{
			Packages:  []string{"internal/pluginserver"},
			Forbidden: append([]string{commandLine}, vendorSDKs...),
			Why:       "it serves whatever provider it is given",
		},
		{
			Packages:     []string{"internal/archtest"},
			StandardOnly: true,
			Why:          "the checker depends on nothing that it checks",
		},
		{Packages: []string{"internal"}, StandardOnly: true, Why: "the map of the tree holds no code"},
		{
			Packages: []string{"."},
			Module:   []string{"internal/provider", "internal/cli", "internal/pluginserver"},
			Why:      "main only chooses between the plugin and the command line",
		},
		{Packages: []string{"tests/...", "examples/..."}, Module: []string{"..."}, Why: "tests see everything"},
	}
}

// without returns list minus the given elements.
func without(list []string, remove ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(item string) bool { return slices.Contains(remove, item) })
}
