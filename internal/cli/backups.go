package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/backup/inventory"
)

// The forms of --output.
const (
	outputTable      = "table"
	outputJSON       = "json"
	outputPrometheus = "prometheus"
)

// backupsFlags are the settings of `holdfast backups`.
type backupsFlags struct {
	buckets    []string
	states     []string
	plan       string
	tenants    []string
	deployment string
	lost       []string
	rpo        time.Duration
	output     string
}

func (f *backupsFlags) register(set *pflag.FlagSet) {
	set.StringArrayVar(&f.states, "state", nil, "`file` with what `terraform state pull` printed, - for the standard input: its backup plans name the buckets and the objective, its VMs the tenants (repeatable)")
	set.StringVar(&f.plan, "plan", "", "`name` of the one backup plan of the state that is meant (default: all of them, if they have the same buckets)")
	set.StringArrayVar(&f.buckets, "bucket", nil, "`id` of a bucket to look into, such as hetzner/nbg1/acme-eu-backups-nbg1 (repeatable)")
	set.StringArrayVar(&f.tenants, "tenant", nil, "`name` of a tenant that should have backups; only those named are reported (repeatable; default: those of the state, or whoever is found)")
	set.StringVar(&f.deployment, "deployment", "", "whose tenants are meant (default: $HOLDFAST_DEPLOYMENT)")
	set.StringArrayVar(&f.lost, "lost", nil, "lost `location`, or hetzner/* for all of a cloud, not to be asked (repeatable; default: $HOLDFAST_LOST_LOCATIONS)")
	set.DurationVar(&f.rpo, "rpo", 0, "age of the newest backup from which, two hours added, the objective is broken (default: the plan's, or 24h)")
	set.StringVarP(&f.output, "output", "o", outputTable, "table, json or prometheus")
}

// backupsCommand reports what there is of tenants' backups.
func backupsCommand(newProvider func() provider.Provider, now func() time.Time) *cobra.Command {
	if now == nil {
		now = time.Now
	}
	var flags backupsFlags
	command := &cobra.Command{
		Use:   "backups (--state FILE | --bucket ID)",
		Short: "Report the age and number of tenants' backups in each bucket",
		Long: `Report, of each tenant and bucket, the newest backup, how many there are of each
class, and whether the recovery point objective is kept (BAK-3, DR-1): for cron
and monitoring.

The accounts are those of the provider's environment variables. The buckets are
asked with one request for every 1,000 objects, and one for each tenant and
bucket. Nothing is asked of a lost location.

Exit codes: 0 every tenant has a backup within the objective; 1 the objective is
broken; 2 nobody knows: the command line is wrong, there is no access, no bucket
could be read, or no tenant was found.`,
		Example: `  terraform state pull | holdfast backups --state -
  holdfast backups --bucket hetzner/nbg1/acme-eu-backups-nbg1 --tenant acme --output json
  holdfast backups --state state.json -o prometheus >/var/lib/node_exporter/backups.prom`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			err := runBackups(command, newProvider, now, flags)
			var exit exitError
			if err == nil || errors.As(err, &exit) {
				return err
			}
			fmt.Fprintf(command.ErrOrStderr(), "Error: %s\n", err)
			return exitError{ExitUncertain}
		},
	}
	flags.register(command.Flags())
	return command
}

// check refuses what does not go together.
func (f backupsFlags) check() error {
	stdins := 0
	for _, name := range f.states {
		if name == "-" {
			stdins++
		}
	}
	switch {
	case len(f.states) == 0 && len(f.buckets) == 0:
		return errors.New("which buckets? Give --state or --bucket")
	case stdins > 1:
		return errors.New("--state - can be given once")
	case f.plan != "" && len(f.states) == 0:
		return errors.New("--plan names a plan of the --state, which is missing")
	case f.rpo < 0:
		return fmt.Errorf("--rpo %s is no age", f.rpo)
	case !slices.Contains([]string{outputTable, outputJSON, outputPrometheus}, f.output):
		return fmt.Errorf("--output %q is none of table, json, prometheus", f.output)
	}
	return nil
}

func runBackups(command *cobra.Command, newProvider func() provider.Provider, now func() time.Time, flags backupsFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	ctx := command.Context()
	env, err := environment(ctx, newProvider, flags.deployment, flags.lost)
	if err != nil {
		return err
	}
	request, err := flags.request(command.InOrStdin(), env.Deployment)
	if err != nil {
		return err
	}
	sources, err := inventory.Sources(env, request.buckets)
	if err != nil {
		return told(err)
	}
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), env.Timeouts.Read)
	defer cancel()
	summary, err := takeInventory(ctx, command.OutOrStdout(), flags.output, env, sources, request, now())
	if err != nil {
		return told(err)
	}
	for _, source := range summary.Sources {
		if source.Err != nil {
			fmt.Fprintf(command.ErrOrStderr(), "Warning: the bucket %s in %s could not be read: %s\n", source.Name, source.Location, source.Err)
		}
	}
	switch {
	case summary.Broken > 0:
		return exitError{ExitBroken}
	case summary.Tenants() == 0:
		// A slip of the pen must not look like a good day.
		return fmt.Errorf("no tenant of the deployment %s has anything in these buckets; if that is meant, name those that should with --tenant", env.Deployment)
	}
	return nil
}

// takeInventory reads the buckets and prints what was found: as JSON one tenant
// after another, in the other forms when all are known.
func takeInventory(ctx context.Context, out io.Writer, form string, env *service.Env, sources []backup.Source, request backupsRequest, now time.Time) (backup.Summary, error) {
	options := inventory.Options(env, request.tenants, request.rpo, now)
	if form == outputJSON {
		writer := backup.NewJSONWriter(out)
		summary, err := backup.Read(ctx, sources, options, writer.Write)
		if err != nil {
			return summary, err
		}
		return summary, writer.Close(summary)
	}
	var reports []backup.Report
	summary, err := backup.Read(ctx, sources, options, func(r backup.Report) error {
		reports = append(reports, r)
		return nil
	})
	if err != nil {
		return summary, err
	}
	if form == outputPrometheus {
		return summary, backup.WritePrometheus(out, reports, summary, now)
	}
	return summary, backup.WriteTable(out, reports, summary)
}

// backupsRequest says what to look into, for whom, and how old is too old.
type backupsRequest struct {
	buckets []inventory.Bucket
	tenants []string
	rpo     time.Duration
}

// request puts together what the flags and the states say; the flags win.
func (f backupsFlags) request(stdin io.Reader, deployment string) (backupsRequest, error) {
	var r backupsRequest
	for _, text := range f.buckets {
		id, err := cloud.ParseID(text)
		if err != nil {
			return r, fmt.Errorf("--bucket: %w", err)
		}
		r.buckets = append(r.buckets, inventory.Bucket{ID: id})
	}
	var plans backupPlans
	for _, name := range f.states {
		text, err := stateText(name, stdin)
		if err != nil {
			return r, err
		}
		if err := plans.read(text, deployment, f.plan); err != nil {
			return r, fmt.Errorf("the state %s: %w", name, err)
		}
	}
	if len(f.states) > 0 && len(plans.buckets) == 0 {
		if f.plan != "" {
			return r, fmt.Errorf("the state has no backup plan %q with buckets", f.plan)
		}
		return r, errors.New("the state has no backup plan; name the buckets with --bucket")
	}
	if err := plans.alike(); err != nil {
		return r, err
	}
	r.buckets = append(r.buckets, plans.buckets...)
	if r.tenants = f.tenants; len(r.tenants) == 0 {
		r.tenants = plans.ofTenants()
	}
	for _, tenant := range r.tenants {
		if findings := policy.CheckTenant(tenant); len(findings) > 0 {
			return r, fmt.Errorf("--tenant: %w", findings[0])
		}
	}
	if r.rpo = f.rpo; r.rpo == 0 {
		r.rpo = plans.rpo
	}
	if r.rpo == 0 {
		r.rpo = policy.MaxRPOHours * time.Hour
	}
	return r, nil
}
