// Package image is the resource holdfast_image: a hardened image in a cloud.
//
// It turns the hardening profile into the script of a temporary machine, and
// the script's digest into what decides whether an image is another one. It may
// import the plugin framework and internal/{cloud,image,service}, never a
// driver.
package image
