package cli

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/spf13/cobra"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/schemajson"
)

// schemaCommand prints the provider's schemas for documentation tools. Hidden:
// a person asks Terraform itself.
func schemaCommand(newProvider func() provider.Provider) *cobra.Command {
	var address string
	command := &cobra.Command{
		Use:    "schema",
		Short:  "Print the provider's schemas as `terraform providers schema -json` does",
		Hidden: true,
		Args:   noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			server, err := providerserver.NewProtocol6WithError(newProvider())()
			if err != nil {
				return err
			}
			document, err := schemajson.Export(command.Context(), server, address)
			if err != nil {
				return err
			}
			_, err = command.OutOrStdout().Write(document)
			return err
		},
	}
	command.Flags().StringVar(&address, "address", Address, "the provider's key in the document")
	return command
}
