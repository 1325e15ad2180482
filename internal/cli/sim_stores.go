package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// objectStores turns the flags of the object stores into options. The error names
// the flag.
func (f *simFlags) objectStores(options *simcloud.Options) error {
	options.S3Listen = followingPorts(f.listen)
	for _, text := range f.s3Listen {
		location, address, found := strings.Cut(text, "=")
		if !found || !slices.Contains(simcloud.S3Locations(), location) {
			return fmt.Errorf("--s3-listen %s: write location=address, such as fsn1=127.0.0.1:8701; there are %s", text,
				strings.Join(simcloud.S3Locations(), ", "))
		}
		options.S3Listen[location] = address
	}
	if len(f.s3Keys) > 0 {
		options.S3.Keys = make(map[string]simcloud.S3Key)
	}
	for _, text := range f.s3Keys {
		pair, project, found := strings.Cut(text, "=")
		access, secret, colon := strings.Cut(pair, ":")
		if !found || !colon || access == "" || secret == "" || project == "" {
			return fmt.Errorf("--s3-key: write access:secret=project")
		}
		options.S3.Keys[access] = simcloud.S3Key{Secret: secret, Project: project}
	}
	options.GoogleServiceAccounts = make(map[string]string)
	for _, text := range f.serviceAccounts {
		token, address, found := strings.Cut(text, "=")
		if !found || token == "" || !strings.Contains(address, "@") {
			return fmt.Errorf("--google-service-account: write token=address, such as t=guest@sim-project.iam.gserviceaccount.com")
		}
		options.GoogleServiceAccounts[token] = address
	}
	return nil
}

// followingPorts gives each location of the object store the next port behind that
// of an address; none where the address leaves its port open.
func followingPorts(listen string) map[string]string {
	out := make(map[string]string)
	host, text, err := net.SplitHostPort(listen)
	port, err2 := strconv.Atoi(text)
	if err != nil || err2 != nil || port == 0 {
		return out
	}
	for i, location := range simcloud.S3Locations() {
		out[location] = net.JoinHostPort(host, strconv.Itoa(port+1+i))
	}
	return out
}

// s3Pair is the pair of keys that the announcement suggests.
func (f *simFlags) s3Pair() (access, secret string) {
	if len(f.s3Keys) == 0 {
		return simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey
	}
	pair, _, _ := strings.Cut(f.s3Keys[0], "=")
	access, secret, _ = strings.Cut(pair, ":")
	return access, secret
}

// serveNames starts the proxy of the vendors' names, if one is asked for or machines
// need it, and writes what clients have to trust. Without either there is none.
func (f *simFlags) serveNames(sim *simcloud.Sim) (names *simcloud.Names, stop func(), err error) {
	listen := f.namesListen
	if listen == "" {
		if f.machines.machines == "" {
			return nil, func() {}, nil
		}
		listen = "127.0.0.1:0"
	}
	if names, err = sim.ServeNames(listen); err != nil {
		return nil, nil, err
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		_ = names.Shutdown(ctx) // the process ends
	}
	if f.namesCA == "" {
		return names, stop, nil
	}
	if err := os.WriteFile(f.namesCA, names.CA, 0o644); err != nil {
		stop()
		return nil, nil, fmt.Errorf("--names-ca: %w", err)
	}
	return names, stop, nil
}
