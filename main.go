// Command terraform-provider-holdfast is two programs in one binary. Started
// by Terraform or OpenTofu it is the Holdfast provider; started by a person it
// is the holdfast command line.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // quiet hours are judged on machines without a time zone database, too

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cli"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/pluginserver"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/provider"
)

// version is set when a release is built.
var version = "dev"

// Terraform starts every plugin with this pair in its environment, so that a
// plugin can tell it from a person (hashicorp/go-plugin's handshake, with the
// values of Terraform's plugin protocol).
const (
	cookieKey   = "TF_PLUGIN_MAGIC_COOKIE"
	cookieValue = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
)

func main() {
	args := os.Args[1:]
	debug := len(args) > 0 && (args[0] == "-debug" || args[0] == "--debug")
	if debug || os.Getenv(cookieKey) == cookieValue {
		tune()
		// The plugin server itself deals with signals: Terraform passes a
		// Ctrl-C on, and running applies have to save their state first.
		if !debug {
			go func() {
				if awaitOrphaned(context.Background(), orphanCheck, os.Getppid) {
					os.Exit(cli.ExitError)
				}
			}()
		}
		if err := pluginserver.Serve(cli.Address, provider.New(version), debug); err != nil {
			fmt.Fprintf(os.Stderr, "Error: %s\n", err)
			os.Exit(cli.ExitError)
		}
		return
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an orderly stop, a second one ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Run(ctx, cli.Options{
		Version:  version,
		Provider: provider.New(version),
		Args:     args,
		Stdout:   os.Stdout,
		Stderr:   os.Stderr,
	}))
}
