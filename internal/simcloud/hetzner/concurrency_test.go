package hetzner_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
)

// Many clients at once, as with terraform's -parallelism: no name and no
// address is given twice, and what is counted is right.
func TestManyClientsAtOnce(t *testing.T) {
	const clients, each = 16, 8
	sim, err := simcloud.New(simcloud.Options{Clock: simcloud.NewClock(time.Time{}, 1000), DurationScale: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	api := checked(t, sim.HetznerHandler())
	post := func(path, body string) int {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w.Code
	}
	if code := post("/v1/networks", `{"name": "n", "ip_range": "10.0.0.0/16", "subnets": [{"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.0.0/24"}]}`); code != 201 {
		t.Fatal(code)
	}
	network := sim.Objects("network")[0].Base().ID
	var wg sync.WaitGroup
	var mu sync.Mutex
	created, refused := 0, 0
	for client := range clients {
		wg.Go(func() {
			for i := range each {
				// Every name is wanted by two clients.
				code := post("/v1/servers", fmt.Sprintf(`{"name": "s-%d-%d", "server_type": "cx23", "image": "debian-13", "location": "fsn1", "networks": [%d]}`, client/2, i, network))
				mu.Lock()
				switch code {
				case 201:
					created++
				case 409:
					refused++
				default:
					t.Errorf("status %d", code)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if created != clients*each/2 || refused != created {
		t.Errorf("%d created, %d refused", created, refused)
	}
	seen := map[string]bool{}
	for _, o := range append(sim.Objects("primary_ip"), sim.Objects("server")...) {
		var addresses []string
		switch o := o.(type) {
		case *hetzner.PrimaryIP:
			addresses = append(addresses, o.IP)
		case *hetzner.Server:
			addresses = append(addresses, o.PrivateNets[0].IP, o.PrivateNets[0].MAC)
		}
		for _, a := range addresses {
			if seen[a] {
				t.Errorf("the address %s was given twice", a)
			}
			seen[a] = true
		}
	}
	if len(seen) != 4*created {
		t.Errorf("%d addresses of %d servers", len(seen), created)
	}
	if rq := sim.Requests(); rq.Routes["POST /v1/servers"] != clients*each || rq.Status[201] != created+1 {
		t.Errorf("recorded %+v", rq)
	}
}
