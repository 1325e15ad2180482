package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// exampleToken is what `holdfast sim` suggests where any token is good. Some of
// the vendor's clients insist on the 64 characters that its real ones have.
const exampleToken = "sim-token-sim-token-sim-token-sim-token-sim-token-sim-token-0001"

// What `holdfast sim` suggests for Google Cloud, where any token is good and any
// well-formed project exists.
const (
	exampleGoogleToken = "sim-token"
	exampleProject     = "sim-project"
)

// stopTimeout is how long requests under way may take to finish after the
// simulation was told to stop.
const stopTimeout = 5 * time.Second

// simCommand serves the embedded clouds until it is told to stop.
func simCommand() *cobra.Command {
	var flags simFlags
	command := &cobra.Command{
		Use:   "sim",
		Short: "Serve the embedded clouds on this machine, with no account",
		Long: `Serve the embedded Hetzner Cloud and the embedded Google Cloud (Compute Engine),
and their object stores (S3, Cloud Storage): the vendors' own HTTP APIs, on
loopback, with asynchronous actions, request limits, locking and the vendors'
error codes. Holdfast, the vendors' clients and
their Terraform providers work against them unchanged. It runs until it is
stopped (Ctrl-C).

A control API below /_sim/ of the same address counts requests and changes
clock, limits and faults while it runs:

  curl http://127.0.0.1:8700/_sim/requests
  curl -d '{"kind": "error", "probability": 0.05}' http://127.0.0.1:8700/_sim/faults`,
		Example: `  holdfast sim --data region.simcloud.db
  holdfast sim --speed 60 --fault location_lost,location=fsn1
  holdfast sim --fault location_lost,cloud=hetzner,mode=hang
  holdfast sim --durations 0 --rate-limit 0`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return serveSim(command.Context(), flags, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags.register(command.Flags())
	return command
}

// serveSim starts the simulation, tells where it is, and serves until ctx ends,
// which is no failure.
func serveSim(ctx context.Context, flags simFlags, stdout, stderr io.Writer) (err error) {
	options, faults, err := flags.options()
	if err != nil {
		return usageError{err}
	}
	sim, err := simcloud.New(options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	for _, fault := range faults {
		if _, err := sim.AddFault(fault); err != nil {
			return usageError{fmt.Errorf("--fault %s: %w", fault.Kind, err)}
		}
	}
	served, err := sim.Serve(flags.listen)
	if err != nil {
		return err
	}
	names, stopNames, err := flags.serveNames(sim)
	if err != nil {
		return errors.Join(err, served.Shutdown(context.WithoutCancel(ctx)))
	}
	defer stopNames()
	stopMachines, err := flags.machines.start(sim, names, stderr)
	if err != nil {
		return errors.Join(err, served.Shutdown(context.WithoutCancel(ctx)))
	}
	defer func() { err = errors.Join(err, stopMachines()) }()
	proxy := ""
	if flags.namesListen != "" {
		proxy = names.Proxy
	}
	if err := announce(stdout, flags, served, proxy); err != nil {
		return errors.Join(err, served.Shutdown(context.WithoutCancel(ctx)))
	}
	if !loopback(flags.listen) {
		fmt.Fprintln(stderr, "Warning: others on the network can reach this, and its control API asks for no token.")
	}
	<-ctx.Done()
	fmt.Fprintln(stderr, "Stopping.")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := served.Shutdown(stopping); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// announce prints where the simulation is and how to point a client at it. proxy is
// that of the vendors' names, if there is one.
func announce(stdout io.Writer, flags simFlags, served *simcloud.Served, proxy string) error {
	url := served.URL
	access, secret := flags.s3Pair()
	token := exampleToken
	if len(flags.tokens) > 0 {
		token = flags.tokens[0].text
	}
	if flags.json {
		addresses := map[string]string{
			"hetzner_endpoint": url + "/v1",
			"hetzner_token":    token,
			"google_endpoint":  url,
			"google_token":     exampleGoogleToken,
			"google_project":   exampleProject,
			"storage_endpoint": url + "/storage/v1/",
			"s3_access_key":    access,
			"s3_secret_key":    secret,
			"control":          url + "/_sim/",
		}
		for location, endpoint := range served.S3 {
			addresses["s3_endpoint_"+location] = endpoint
		}
		if proxy != "" {
			addresses["https_proxy"], addresses["ssl_cert_file"] = proxy, flags.namesCA
		}
		return json.NewEncoder(stdout).Encode(addresses)
	}
	names := ""
	if proxy != "" {
		names = fmt.Sprintf("Or let the vendors' own names lead here:\n\n  export HTTPS_PROXY=%s\n  export SSL_CERT_FILE=%s\n\n", proxy, flags.namesCA)
	}
	var stores strings.Builder
	for _, location := range simcloud.S3Locations() {
		fmt.Fprintf(&stores, "  %s     %s\n", location, served.S3[location])
	}
	kept := "in memory, gone when this stops (--data FILE keeps it)"
	if flags.data != "" {
		kept = "in " + flags.data
	}
	_, err := fmt.Fprintf(stdout, `The embedded Hetzner Cloud serves %[1]s/v1
The embedded Google Cloud serves %[1]s/compute/v1/ and %[1]s/storage/v1/
The embedded Object Storage of Hetzner serves S3:
%[6]s  data     %[2]s
  control  %[1]s/_sim/requests, /_sim/faults, /_sim/clock, /_sim/objects

Point Terraform, or any client of the vendors' APIs, at them:

  export HCLOUD_ENDPOINT=%[1]s/v1
  export HCLOUD_TOKEN=%[3]s
  export HCLOUD_S3_ENDPOINT='%[1]s/s3/{location}'
  export HCLOUD_S3_ACCESS_KEY=%[7]s
  export HCLOUD_S3_SECRET_KEY=%[8]s
  export GOOGLE_COMPUTE_CUSTOM_ENDPOINT=%[1]s/compute/v1/
  export GOOGLE_STORAGE_CUSTOM_ENDPOINT=%[1]s/storage/v1/
  export GOOGLE_KMS_CUSTOM_ENDPOINT=%[1]s/kms/v1/
  export GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT=%[1]s/cloudresourcemanager/
  export GOOGLE_OAUTH_ACCESS_TOKEN=%[4]s
  export GOOGLE_PROJECT=%[5]s
  export STORAGE_EMULATOR_HOST=%[1]s
  export AWS_ACCESS_KEY_ID=%[7]s
  export AWS_SECRET_ACCESS_KEY=%[8]s

%[9]sCtrl-C stops it.
`, url, kept, token, exampleGoogleToken, exampleProject, stores.String(), access, secret, names)
	return err
}

// loopback reports whether an address to listen on is reachable from this
// machine only. A name that is no address counts as loopback only if it is
// "localhost".
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
