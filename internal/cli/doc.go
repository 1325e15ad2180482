// Package cli is the command line that a person gets who starts the provider's
// binary: `holdfast version`, `holdfast sim`, `holdfast orphans`,
// `holdfast backups`, `holdfast image` and, hidden,
// `holdfast schema`. A new command is a file with one function that returns a
// cobra command, added in New.
//
// It may import everything of this module. Only main imports it.
package cli
