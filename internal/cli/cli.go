package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/spf13/cobra"
)

// Address is the provider's source address in the public Registry.
const Address = "registry.terraform.io/holdfast-cloud/holdfast"

// Options are what the command line takes from its surroundings.
type Options struct {
	// Version is the release, without a leading "v"; "dev" for a build from a
	// work tree.
	Version string
	// Provider makes the provider that is served, for commands that ask it.
	Provider func() provider.Provider
	// Now is the time to which ages are counted; nil means the machine's clock.
	Now func() time.Time
	// Args are the arguments without the program's name.
	Args []string
	// Stdin answers questions; nil means the process's own.
	Stdin io.Reader
	// Stdout takes results, Stderr everything else.
	Stdout, Stderr io.Writer
}

// Exit codes, as shells and other command lines use them.
const (
	ExitOK    = 0 // done
	ExitError = 1 // the command failed
	ExitUsage = 2 // the command line itself was wrong
	ExitLeft  = 3 // `holdfast orphans`: there are some, or some were kept

	// What monitoring expects of `holdfast backups`.
	ExitBroken    = 1 // a tenant's backups are older than the objective, or missing
	ExitUncertain = 2 // nobody knows: the command line is wrong, or nothing could be read
)

// exitError ends with a code and without a message: all was said.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usageError marks an error of the command line's form.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Run executes one command line and returns the exit code. A command that runs
// until it is stopped ends when ctx does, and that is no failure.
func Run(ctx context.Context, options Options) int {
	root := New(options)
	root.SetArgs(options.Args)
	root.SetIn(options.Stdin)
	root.SetOut(options.Stdout)
	root.SetErr(options.Stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	var exit exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	fmt.Fprintf(options.Stderr, "Error: %s\n", err)
	var usage usageError
	if errors.As(err, &usage) || command == root {
		fmt.Fprintf(options.Stderr, "\n%s --help tells what there is.\n", command.CommandPath())
		return ExitUsage
	}
	return ExitError
}

// New returns the root command with everything below it.
func New(options Options) *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "Tools beside the Holdfast provider for Terraform and OpenTofu",
		Long: `Holdfast declares a hosting company's whole estate over several clouds.

This binary is the provider: Terraform and OpenTofu start it by themselves.
Started by a person it offers the tools below; all but backups and orphans need no account.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		simCommand(),
		orphansCommand(options.Provider),
		backupsCommand(options.Provider, options.Now),
		imageCommand(),
		versionCommand(options.Version),
		schemaCommand(options.Provider),
	)
	return root
}
