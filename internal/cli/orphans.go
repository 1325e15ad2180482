package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/orphans"
)

// orphansFlags are the settings of `holdfast orphans`.
type orphansFlags struct {
	deployment string
	states     []string
	clouds     []string
	lost       []string
	json       bool
	delete     bool
	yes        bool
	protected  bool
	emptyState bool
}

func (f *orphansFlags) register(set *pflag.FlagSet) {
	set.StringArrayVar(&f.states, "state", nil, "`file` with what `terraform state pull` printed, - for the standard input; what it owns is no orphan (required, repeatable)")
	set.StringVar(&f.deployment, "deployment", "", "whose objects are meant (default: $HOLDFAST_DEPLOYMENT)")
	set.StringArrayVar(&f.clouds, "cloud", nil, "ask this `cloud` only (repeatable; default: all that there is access to)")
	set.StringArrayVar(&f.lost, "lost", nil, "lost `location`, or hetzner/* for all of a cloud, to be left out (repeatable; default: $HOLDFAST_LOST_LOCATIONS)")
	set.BoolVar(&f.json, "json", false, "print a JSON object")
	set.BoolVar(&f.delete, "delete", false, "delete what was found, after asking")
	set.BoolVar(&f.yes, "yes", false, "do not ask")
	set.BoolVar(&f.protected, "protected", false, "delete what is protected too, its protection first")
	set.BoolVar(&f.emptyState, "empty-state", false, "delete although the state owns nothing of the deployment")
}

// orphansCommand lists, and deletes, what a deployment left behind.
func orphansCommand(newProvider func() provider.Provider) *cobra.Command {
	var flags orphansFlags
	command := &cobra.Command{
		Use:   "orphans --state FILE",
		Short: "List or delete what a deployment left behind",
		Long: `List the objects that carry a deployment's labels and that its state does not
own: what stayed in a location that was lost, once it is back.

The accounts are those of the provider's environment variables (HCLOUD_TOKEN,
…). Nothing is asked of a lost location, and nothing of another deployment is
ever shown or touched.

With --delete they are deleted, VMs first, then what they used. It asks for the
deployment's name before. Kept are: what is protected (unless --protected), what
a VM that stays still uses, and every backup bucket that is immutable or holds
anything: no flag deletes backups. Let nobody run apply meanwhile: it might adopt
what is being deleted.

Exit codes: 0 no orphan is left; 1 something failed; 2 the command line is
wrong; 3 there are orphans, or some were kept.`,
		Example: `  terraform state pull | holdfast orphans --state -
  terraform state pull >state.json && holdfast orphans --state state.json --delete`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return runOrphans(command, newProvider, flags)
		},
	}
	flags.register(command.Flags())
	return command
}

// check refuses what does not go together.
func (f orphansFlags) check() error {
	stdins := 0
	for _, name := range f.states {
		if name == "-" {
			stdins++
		}
	}
	var wrong string
	switch {
	case len(f.states) == 0:
		wrong = "--state is missing: without a state nobody knows what is owned"
	case stdins > 1:
		wrong = "--state - can be given once"
	case f.delete && stdins > 0 && !f.yes:
		wrong = "--delete asks on the standard input, which --state - takes: give the state as a file, or --yes"
	case !f.delete && (f.yes || f.protected || f.emptyState):
		wrong = "--yes, --protected and --empty-state are for --delete"
	default:
		return nil
	}
	return usageError{errors.New(wrong)}
}

func runOrphans(command *cobra.Command, newProvider func() provider.Provider, flags orphansFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	ctx := command.Context()
	env, err := environment(ctx, newProvider, flags.deployment, flags.lost)
	if err != nil {
		return err
	}
	request := orphans.Request{Deployment: env.Deployment, Clouds: flags.clouds, Lost: env.Lost}
	owned, err := readStates(flags.states, command.InOrStdin(), env.Deployment, &request.Owned)
	if err != nil {
		return err
	}
	answer, err := lookForOrphans(ctx, env, request)
	if err != nil {
		return err
	}
	found := report(env.Deployment, answer, nil)
	if !flags.delete {
		if err := found.write(command.OutOrStdout(), flags.json); err != nil {
			return err
		}
		return found.verdict()
	}
	if owned == 0 && !flags.emptyState && len(answer.Orphans) > 0 {
		return fmt.Errorf("the state owns nothing of the deployment %s, so all that it has (%s) would go. If that is meant, add --empty-state",
			env.Deployment, strings.ToLower(counted(len(answer.Orphans))))
	}
	return deleteOrphans(command, env, flags, answer)
}

// write prints the report in one of its forms.
func (r orphansReport) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return r.writeJSON(out)
	}
	return r.writeTable(out)
}

// verdict is the exit code of a run that did what it was asked to.
func (r orphansReport) verdict() error {
	if r.left() > 0 {
		return exitError{ExitLeft}
	}
	return nil
}

// lookForOrphans lists, and refuses to answer where nothing could be asked.
func lookForOrphans(ctx context.Context, env *service.Env, request orphans.Request) (orphans.Answer, error) {
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), env.Timeouts.Read)
	defer cancel()
	answer, err := orphans.Find(ctx, env.Clouds, env.Catalog, request)
	if err != nil {
		return answer, told(err)
	}
	if len(answer.NoAccess) > 0 && len(answer.NoAccess) == len(env.Catalog.Clouds()) {
		return answer, fmt.Errorf("there is access to no cloud:\n%w", errors.Join(answer.Refusals...))
	}
	return answer, nil
}

// told adds to a cloud's error what to do about it.
func told(err error) error {
	var e *cloud.Error
	if errors.As(err, &e) && e.Remedy != "" {
		return fmt.Errorf("%w\n%s", err, e.Remedy)
	}
	return err
}

// deleteOrphans shows what was found, asks, and deletes.
func deleteOrphans(command *cobra.Command, env *service.Env, flags orphansFlags, answer orphans.Answer) error {
	stdout, stderr := command.OutOrStdout(), command.ErrOrStderr()
	table := stdout
	if flags.json {
		table = stderr // the JSON object is told when all is done
	}
	found := report(env.Deployment, answer, nil)
	if len(answer.Orphans) == 0 {
		return found.write(stdout, flags.json)
	}
	if err := found.writeTable(table); err != nil {
		return err
	}
	if guarded := countProtected(answer.Orphans); guarded > 0 {
		what := "They are kept; --protected deletes them too."
		if flags.protected {
			what = "Their protection is taken off, and they are deleted too."
		}
		fmt.Fprintf(table, "Protected: %d. %s\n", guarded, what)
	}
	if !flags.yes {
		agreed, err := confirm(command.Context(), command.InOrStdin(), stderr, env.Deployment)
		if err != nil {
			return err
		}
		if !agreed {
			fmt.Fprintln(stderr, "Nothing was deleted.")
			return exitError{ExitLeft}
		}
	}
	ctx, cancel := context.WithTimeout(cloud.WithPriority(command.Context(), cloud.PriorityRefresh), env.Timeouts.Delete)
	defer cancel()
	outcomes := orphans.Remove(ctx, env.Clouds, answer.Orphans, orphans.RemoveOptions{Protected: flags.protected, Done: func(o orphans.Outcome) {
		if o.Kept == "" {
			fmt.Fprintf(table, "deleted %s\n", o.Orphan)
		} else {
			fmt.Fprintf(table, "kept %s: %s\n", o.Orphan, o.Kept)
		}
	}})
	done := report(env.Deployment, answer, outcomes)
	if flags.json {
		if err := done.writeJSON(stdout); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(stdout, "\n%d deleted, %d kept.\n", len(outcomes)-done.left(), done.left())
	}
	if err := orphans.Failed(outcomes); err != nil {
		return err
	}
	return done.verdict()
}

func countProtected(found []orphans.Orphan) int {
	return len(slices.DeleteFunc(slices.Clone(found), func(o orphans.Orphan) bool { return !o.Protected }))
}

// confirm asks for the deployment's name. It ends with the context too: a read
// of a terminal cannot be interrupted.
func confirm(ctx context.Context, in io.Reader, out io.Writer, deployment string) (bool, error) {
	fmt.Fprintf(out, "\nThese objects and the data on them are lost for good. Type the deployment's name (%s) to delete them: ", deployment)
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(in).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(out)
		return false, ctx.Err()
	case got := <-read:
		if got.err != nil && !errors.Is(got.err, io.EOF) {
			return false, got.err
		}
		return strings.TrimSpace(got.text) == deployment, nil
	}
}
