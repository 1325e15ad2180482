package cloud

import "time"

// KindImage is an image that machines are made from.
const KindImage Kind = "image"

// ImageSpec is a hardened image. What it is made of never changes: another
// Source is another image, also under the same name.
type ImageSpec struct {
	Meta
	// Source is a digest of everything that decides what is in the image: up
	// to 32 lower case letters and digits. It is part of the image's key.
	Source string
	// Base is the vendor's name of the stock image from which a temporary
	// machine is made.
	Base string
	// ServerType is the temporary machine's. The image fits disks of its size
	// or larger only.
	ServerType string
	// Network is the native id of a network in which the temporary machine
	// stands; the vendor may need none.
	Network string
	// Script is a shell script. It runs as root in the temporary machine at its
	// first boot, and switches the machine off if, and only if, it has hardened
	// it.
	Script string
	// TimeLimit bounds the time from the first boot to that.
	TimeLimit time.Duration
}

// Image is an observed image.
type Image struct {
	Object
	ImageSpec
	// Status is the vendor's word ("available", "READY").
	Status       string
	Architecture Architecture
	// MinDiskGB is the size of the disk that it needs.
	MinDiskGB int64
}

// Images are a cloud's images. Create makes a temporary machine, waits until
// it has hardened itself and is off, makes the image of its disk, and removes
// the machine, whether that went well or not. Before that it removes temporary
// machines that runs which were killed have left for an image of that name.
// An error with CodeOperationFailed before saved was called means that the
// hardening failed. Nobody keeps the spec's Base, ServerType, Network, Script
// and TimeLimit: they are empty in observed images.
type Images = Store[ImageSpec, Image]

// ImageDriver is a driver of a cloud in which images can be made.
type ImageDriver interface {
	Driver
	Images() Images
}

// Labels of images, and of the temporary machines that become images.
const (
	// LabelSource carries ImageSpec.Source.
	LabelSource = "holdfast-source"
	// LabelBuilds marks a temporary machine with BuilderMark. It lacks the
	// reserved prefix, so that MetaOf tells it of observed machines.
	LabelBuilds = "builds-holdfast-image"
)

// ImagesOf gives a driver's images; CodeUnsupported where it has none.
func ImagesOf(driver Driver) (Images, error) {
	if images, ok := driver.(ImageDriver); ok {
		return images.Images(), nil
	}
	return nil, &Error{Code: CodeUnsupported, Cloud: driver.Cloud(), Kind: KindImage, Doing: "find the images", Field: "location",
		Message: "images cannot be made in this cloud yet"}
}

// ImageKey is the value of LabelKey of an image. Images are their cloud's, not
// a location's, and one of another source is another image.
func ImageKey(meta Meta, source string) string {
	return Key(meta.Deployment, KindImage, meta.Name+"\x00"+source, Location{Cloud: meta.Location.Cloud})
}

// ImageKeyIn reads the key of an observed image as Object.Key has it: the one of its
// kind and Meta, or empty where the labels have another than that of its source.
func ImageKeyIn(labels map[string]string, seen Meta, source string) string {
	if labels[LabelKey] != ImageKey(seen, source) {
		return ""
	}
	return KeyOf(KindImage, seen, true)
}

// BuilderMark is the value of LabelBuilds for images of that name, whatever
// their source: of these at most one is being made.
func BuilderMark(meta Meta) string {
	return Key(meta.Deployment, KindImage, meta.Name, Location{Cloud: meta.Location.Cloud})
}

// ImageLabels gives all labels of an image.
func ImageLabels(spec ImageSpec) map[string]string {
	labels := LabelsOf(KindImage, spec.Meta, true)
	if spec.Deployment != "" {
		labels[LabelKey] = ImageKey(spec.Meta, spec.Source)
	}
	if spec.Source != "" {
		labels[LabelSource] = spec.Source
	}
	return labels
}

// Builder is the temporary machine of an image. It belongs to no tenant, and
// can be reached by nobody: it has no SSH key, and its name and labels tell
// what it is for.
func Builder(spec ImageSpec, powered PowerState) VMSpec {
	meta := spec.Meta
	meta.Name, meta.Protected = "build-"+meta.Name, false
	meta.Labels = map[string]string{LabelBuilds: BuilderMark(spec.Meta)}
	return VMSpec{Meta: meta, ServerType: spec.ServerType, Image: spec.Base, Network: spec.Network,
		UserData: spec.Script, Power: powered, PublicIPv4: true}
}

// BuildTimedOut tells that a temporary machine did not switch itself off.
// console is the end of what it wrote, empty where the vendor does not give it.
func BuildTimedOut(cloud string, spec ImageSpec, machine, console string) error {
	message := "the temporary machine " + machine + " did not switch itself off within " + spec.TimeLimit.String() +
		", so the hardening has failed or hangs; the machine was removed"
	if console == "" {
		message += ". The vendor does not give what it wrote on its console"
	} else {
		message += ". The end of its console:\n" + console
	}
	return &Error{Code: CodeOperationFailed, Cloud: cloud, Kind: KindImage, Doing: "harden an image", Message: message,
		Remedy: "See whether the machine could reach Debian's mirrors and whether the time limit suffices (build_minutes), then apply again."}
}

// BuilderLeft tells that an image was made and its temporary machine is still
// there.
func BuilderLeft(cloud, machine string, err error) error {
	return &Error{Code: CodeUnfinished, Cloud: cloud, Kind: KindImage, Doing: "remove the temporary machine " + machine,
		Message: err.Error(), Err: err,
		Remedy: "Delete it with holdfast orphans, or in the vendor's console: it costs money, and nothing else needs it."}
}
