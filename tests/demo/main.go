package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// What the demo shows to the embedded clouds, which take any token; project
// and deployment are those of the examples.
const (
	token      = "demo-token-of-64-characters-as-the-vendor-issues-them-0000000000"
	project    = "acme-eu-standby"
	deployment = "acme-eu"
)

// pace is how long the embedded clouds' work takes, as a share of the time
// that the vendors usually need: a demo at full length takes five minutes, of
// which a person sees nothing happen in four.
const pace = 0.2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	provider := flag.String("provider", "bin/terraform-provider-holdfast", "the built provider")
	examples := flag.String("examples", "examples/regions", "the folder with the configurations single and failover")
	verbose := flag.Bool("v", false, "show what terraform prints")
	scale := flag.Float64("pace", pace, "how long the clouds' work takes, as a share of its usual time")
	flag.Parse()
	d := &demo{out: os.Stdout, pace: *scale, keep: os.Getenv("KEEP") == "1", verbose: *verbose}
	if err := d.run(ctx, *provider, *examples); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
}

// demo is one run.
type demo struct {
	out           io.Writer
	pace          float64
	keep, verbose bool

	cli harness.CLI
	// binary is the provider, which is also the command line holdfast.
	binary string
	sim    *harness.Sim
	// dir holds the copies of the examples, and work is the one in use.
	dir  string
	work *harness.Workspace
	// choice is what the operator has written down.
	choice choice
	// steps are what was done, for the closing table.
	steps []step
}

func (d *demo) run(ctx context.Context, binary, examples string) (err error) {
	if d.cli, err = harness.FindCLI(); err != nil {
		return err
	}
	if d.binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	dir, cleanup, err := folder(d.keep)
	if err != nil {
		return err
	}
	defer cleanup()
	data := filepath.Join(dir, "clouds.db")
	if d.sim, err = d.startSim(data); err != nil {
		return fmt.Errorf("start the embedded clouds: %w", err)
	}
	defer func() { err = errors.Join(err, d.sim.Close()) }()
	d.dir = filepath.Join(dir, "regions")
	if err := copyConfigurations(d.dir, examples); err != nil {
		return fmt.Errorf("copy the examples: %w", err)
	}
	fmt.Fprintf(d.out, `%s against embedded clouds on loopback, with the vendors' request limits.
Their work takes %g of its usual time here; `+"`make bench`"+` measures with all of it.

`, d.cli.Version, d.pace)
	for _, chapter := range []func(context.Context) error{d.region, d.losesDataCentre, d.losesVendor, d.vendorReturns} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	if d.keep {
		d.summary()
		d.howToGoOn(data)
		return nil
	}
	if err := d.destroy(ctx); err != nil {
		return err
	}
	d.summary()
	return nil
}

// startSim starts the embedded clouds with the vendors' request limits.
func (d *demo) startSim(data string) (*harness.Sim, error) {
	options := simcloud.Realistic()
	options.DataFile = data
	options.DurationScale = d.pace
	return harness.StartSim(options)
}

// environment leads every command to the embedded clouds.
func (d *demo) environment() []string {
	return []string{"HCLOUD_TOKEN=" + token, "HCLOUD_ENDPOINT=" + d.sim.HetznerEndpoint(),
		"HCLOUD_S3_ENDPOINT=" + strings.TrimSuffix(d.sim.HetznerEndpoint(), "/v1") + "/s3/{location}",
		"HCLOUD_S3_ACCESS_KEY=" + simcloud.DefaultS3AccessKey, "HCLOUD_S3_SECRET_KEY=" + simcloud.DefaultS3SecretKey,
		"GOOGLE_PROJECT=" + project, "GOOGLE_OAUTH_ACCESS_TOKEN=" + token,
		"GOOGLE_COMPUTE_CUSTOM_ENDPOINT=" + d.sim.GoogleEndpoint(), "GOOGLE_STORAGE_CUSTOM_ENDPOINT=" + d.sim.StorageEndpoint()}
}

// howToGoOn tells how to use what KEEP=1 left.
func (d *demo) howToGoOn(data string) {
	fmt.Fprintf(d.out, `
KEEP=1: the region is kept in %[1]s. To go on, start the embedded clouds again
and point %[6]s at them:

  bin/terraform-provider-holdfast sim --listen 127.0.0.1:8080 --data %[2]s
  export HCLOUD_TOKEN=%[3]s HCLOUD_ENDPOINT=http://127.0.0.1:8080/v1
  export HCLOUD_S3_ENDPOINT='http://127.0.0.1:8080/s3/{location}'
  export HCLOUD_S3_ACCESS_KEY=%[7]s HCLOUD_S3_SECRET_KEY=%[8]s
  export GOOGLE_PROJECT=%[4]s GOOGLE_OAUTH_ACCESS_TOKEN=%[3]s
  export GOOGLE_COMPUTE_CUSTOM_ENDPOINT=http://127.0.0.1:8080/compute/v1/
  export GOOGLE_STORAGE_CUSTOM_ENDPOINT=http://127.0.0.1:8080/storage/v1/
  export TF_CLI_CONFIG_FILE=%[5]s
  cd %[1]s && %[6]s plan
`, d.work.Dir, data, token, project, d.work.ConfigFile(), d.command(), simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey)
}
