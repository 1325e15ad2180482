package simcloud_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// A guest can be told to switch itself off, and one that never will is a fault.
func TestSwitchOff(t *testing.T) {
	sim, url := serve(t, simcloud.Options{})
	if _, err := sim.AddFault(simcloud.Fault{Kind: simcloud.FaultActionStuck, Cloud: simcloud.Hetzner, Command: "guest_power_off"}); err != nil {
		t.Fatal(err)
	}
	client := hcloud.NewClient(hcloud.WithEndpoint(url+"/v1"), hcloud.WithToken("t"))
	made, _, err := client.Server.Create(t.Context(), hcloud.ServerCreateOpts{Name: "web", ServerType: &hcloud.ServerType{Name: "cx23"},
		Image: &hcloud.Image{Name: "debian-12"}, Location: &hcloud.Location{Name: "fsn1"}, UserData: "#!/bin/sh\npoweroff\n"})
	if err != nil {
		t.Fatal(err)
	}
	status := func(want hcloud.ServerStatus) {
		t.Helper()
		server, _, err := client.Server.GetByID(t.Context(), made.Server.ID)
		if err != nil || server.Status != want {
			t.Errorf("it is %v, want %s: %v", server, want, err)
		}
	}
	status(hcloud.ServerStatusRunning)
	off := url + "/_sim/machines/hetzner/" + strconv.FormatInt(made.Server.ID, 10) + "/off"
	if code, answer := control(t, http.MethodPost, off, nil); code != http.StatusNoContent {
		t.Errorf("%d %v", code, answer)
	}
	status(hcloud.ServerStatusOff)
	if code, _ := control(t, http.MethodPost, off, nil); code != http.StatusNotFound {
		t.Errorf("a machine that is off: %d", code)
	}
}
