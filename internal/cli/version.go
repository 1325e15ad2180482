package cli

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// versionCommand prints which build this is.
func versionCommand(version string) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this build",
		Args:  noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			platform := runtime.GOOS + "_" + runtime.GOARCH
			if asJSON {
				return json.NewEncoder(command.OutOrStdout()).Encode(map[string]string{
					"version":  version,
					"platform": platform,
					"go":       runtime.Version(),
					"address":  Address,
				})
			}
			_, err := fmt.Fprintf(command.OutOrStdout(), "holdfast %s on %s (%s)\n", version, platform, runtime.Version())
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return command
}

// noArgs refuses positional arguments as a mistake of the command line.
func noArgs(command *cobra.Command, args []string) error {
	if err := cobra.NoArgs(command, args); err != nil {
		return usageError{err}
	}
	return nil
}
