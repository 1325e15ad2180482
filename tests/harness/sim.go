package harness

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// Requests counts API requests.
type Requests struct{ simcloud.Requests }

// Split divides the requests into reads, writes, and polls of actions.
func (r Requests) Split() (reads, writes, polls int) {
	for route, count := range r.Routes {
		method, path, _ := strings.Cut(route, " ")
		switch {
		case method != "GET":
			writes += count
		case strings.Contains(path, "/actions"), strings.Contains(path, "/operations"):
			polls += count
		default:
			reads += count
		}
	}
	return reads, writes, polls
}

// Sim is an embedded cloud that listens on loopback.
type Sim struct {
	*simcloud.Sim
	served *simcloud.Served
}

// StartSim serves an embedded cloud on a free port of 127.0.0.1.
func StartSim(options simcloud.Options) (*Sim, error) {
	sim, err := simcloud.New(options)
	if err != nil {
		return nil, err
	}
	served, err := sim.Serve("127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, sim.Close())
	}
	return &Sim{Sim: sim, served: served}, nil
}

// HetznerEndpoint is what a Hetzner Cloud client takes as its endpoint.
func (s *Sim) HetznerEndpoint() string { return s.served.URL + "/v1" }

// GoogleEndpoint is what a Compute Engine client takes as its endpoint.
func (s *Sim) GoogleEndpoint() string { return s.served.URL + "/compute/v1/" }

// StorageEndpoint is what Google's client of Cloud Storage takes as its endpoint.
func (s *Sim) StorageEndpoint() string { return s.served.URL + "/storage/v1/" }

// S3Endpoint is the address of a location's object store, with its scheme and
// nothing behind the port.
func (s *Sim) S3Endpoint(location string) string { return s.served.S3[location] }

// Counts gives the number of requests to all clouds since the last reset.
func (s *Sim) Counts() Requests { return Requests{s.Requests()} }

// CountsOf gives the number of requests to one cloud (simcloud.Hetzner or
// simcloud.Google) since the last reset.
func (s *Sim) CountsOf(cloud string) Requests { return Requests{s.RequestsOf(cloud)} }

// Inventory counts the objects by kind that a customer of Hetzner Cloud could
// have made.
func (s *Sim) Inventory() map[string]int {
	return s.count("server", "volume", "network", "firewall", "ssh_key", "primary_ip", "floating_ip", "placement_group")
}

// GoogleInventory counts the objects by kind that a customer of Google Cloud
// could have made; their names begin with "google_".
func (s *Sim) GoogleInventory() map[string]int {
	return s.count("google_instance", "google_disk", "google_network", "google_subnetwork", "google_firewall", "google_route")
}

func (s *Sim) count(kinds ...string) map[string]int {
	counts := map[string]int{}
	for _, kind := range kinds {
		counts[kind] = len(s.Objects(kind))
	}
	return counts
}

// closeTime is more than the 5 s for which net/http waits for the first
// request of a connection: clients open some that they never use.
const closeTime = 10 * time.Second

// Close stops serving and closes the data file.
func (s *Sim) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return errors.Join(s.served.Shutdown(ctx), s.Sim.Close())
}
