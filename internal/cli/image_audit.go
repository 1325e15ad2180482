package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image/build"
)

// imageAuditCommand puts the scores of audits into an image's manifest.
func imageAuditCommand() *cobra.Command {
	var xccdf, lynis string
	command := &cobra.Command{
		Use:   "audit DIR",
		Short: "Put the scores of audits on a booted machine into the image's manifest, and hold them to their floors",
		Long: `Read what OpenSCAP and Lynis reported of a machine that was booted from the image,
and put the scores into manifest.json. Each rule that failed is printed with the
reason why that is accepted; one without, or a score below its floor, is an error.`,
		Example: `  holdfast image audit build/image --xccdf results.xml --lynis lynis-report.dat`,
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if xccdf == "" && lynis == "" {
				return usageError{errors.New("which reports? Give --xccdf or --lynis")}
			}
			audits, err := readAudits(xccdf, lynis)
			if err != nil {
				return err
			}
			name := filepath.Join(args[0], build.FileManifest)
			manifest, err := build.ReadManifest(name)
			if err != nil {
				return err
			}
			for _, audit := range audits {
				manifest.Audits = slices.DeleteFunc(manifest.Audits, func(old build.Audit) bool { return old.Name == audit.Name })
				manifest.Audits = append(manifest.Audits, audit)
				fmt.Fprintf(command.OutOrStdout(), "%-24s %5.1f\n", audit.Name, audit.Score)
			}
			unexplained, err := explain(command.OutOrStdout(), audits)
			if err != nil {
				return err
			}
			slices.SortFunc(manifest.Audits, func(a, b build.Audit) int { return strings.Compare(a.Name, b.Name) })
			if err := build.WriteManifest(name, manifest); err != nil {
				return err
			}
			wrong := build.Below(audits)
			for _, rule := range unexplained {
				wrong = append(wrong, rule+" fails, and no reason to accept that is known")
			}
			if len(wrong) > 0 {
				return errors.New(strings.Join(wrong, "\n"))
			}
			return nil
		},
	}
	command.Flags().StringVar(&xccdf, "xccdf", "", "`file` of oscap xccdf eval --results, of profile anssi_bp28_high")
	command.Flags().StringVar(&lynis, "lynis", "", "`file` lynis-report.dat")
	return command
}

func readAudits(xccdf, lynis string) ([]build.Audit, error) {
	var audits []build.Audit
	if xccdf != "" {
		f, err := os.Open(xccdf)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if audits, err = build.ReadXCCDF(f); err != nil {
			return nil, fmt.Errorf("%s: %w", xccdf, err)
		}
	}
	if lynis != "" {
		f, err := os.Open(lynis)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		audit, err := build.ReadLynis(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lynis, err)
		}
		audits = append(audits, audit)
	}
	return audits, nil
}

// explain prints what failed of the rules, each once, with the reason; it returns
// those without one. Lynis' suggestions are no rules: its index is what counts.
func explain(to io.Writer, audits []build.Audit) ([]string, error) {
	accepted, err := image.LoadAccepted()
	if err != nil {
		return nil, err
	}
	var rules, unexplained []string
	for _, audit := range audits {
		if audit.Applicable > 0 {
			rules = append(rules, audit.Failed...)
		}
	}
	slices.Sort(rules)
	for _, rule := range slices.Compact(rules) {
		reason := accepted.Reason(rule)
		if reason == "" {
			unexplained = append(unexplained, rule)
			continue
		}
		fmt.Fprintf(to, "  %s: %s\n", rule, reason)
	}
	return unexplained, nil
}
