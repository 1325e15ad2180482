package google

import (
	"net/http"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

func instanceModule() module {
	const all, one = "projects/{project}/zones/{zone}/instances", "projects/{project}/zones/{zone}/instances/{instance}"
	post := func(method string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodPost, path: one + "/" + method, do: do}
	}
	patch := func(method string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodPatch, path: one + "/" + method, do: do}
	}
	read := func(method string, do func(*call) (any, error)) *route {
		return &route{method: http.MethodGet, path: one + "/" + method, group: groupRead, do: do}
	}
	rs := []*route{
		{method: http.MethodPost, path: all, do: insertInstance},
		{method: http.MethodPost, path: all + "/bulkInsert", do: bulkInsertInstances},
		{method: http.MethodPut, path: one, do: updateInstance},
		{method: http.MethodDelete, path: one, do: deleteInstance},
		post("attachDisk", attachDisk),
		post("detachDisk", detachDisk),
		post("setDiskAutoDelete", setDiskAutoDelete),
		post("addAccessConfig", addAccessConfig),
		post("deleteAccessConfig", deleteAccessConfig),
		post("updateAccessConfig", updateAccessConfig),
		patch("updateNetworkInterface", updateNIC),
		post("setLabels", setter("setLabels", false, checkSetLabels)),
		post("setTags", setter("setTags", false, checkSetTags)),
		post("setMetadata", setter("setMetadata", false, checkSetMetadata)),
		post("setScheduling", setter("setScheduling", false, checkSetScheduling)),
		post("setDeletionProtection", setter("setDeletionProtection", false, checkSetDeletionProtection)),
		post("setMachineType", setter("setMachineType", true, checkSetMachineType)),
		post("setMinCpuPlatform", setter("setMinCpuPlatform", true, checkSetMinCPUPlatform)),
		post("setServiceAccount", setter("setServiceAccount", true, checkSetServiceAccount)),
		post("setName", setter("setName", true, checkSetName)),
		patch("updateShieldedInstanceConfig", setter("updateShieldedInstanceConfig", true, checkUpdateShielded)),
		patch("setShieldedInstanceIntegrityPolicy", setter("setShieldedInstanceIntegrityPolicy", false, checkSetIntegrityPolicy)),
		patch("updateDisplayDevice", setter("updateDisplayDevice", true, checkUpdateDisplay)),
		read("serialPort", serialOutput),
		read("getShieldedInstanceIdentity", shieldedIdentity),
		read("referrers", referrers),
	}
	for _, v := range powerVerbs {
		rs = append(rs, post(v.verb, v.do))
	}
	return module{kinds: []engine.AnyKind{instances.kind}, routes: routes(instances.reads(viewInstance), rs),
		completions: instanceCompletions(), durations: instanceDurations(), usage: instanceUsage()}
}

func instanceCompletions() map[string]engine.Completion {
	out := map[string]engine.Completion{
		"instances.insert":                 instanceInserted,
		"instances.bulkInsert":             instanceInserted, // of none: it only can fail
		"instances.delete":                 instanceDeleted,
		guestPowerOff:                      guestIsOff,
		"instances.start":                  changed(instances, wasStarted),
		"instances.resume":                 changed(instances, wasStarted),
		"instances.stop":                   changed(instances, wasStopped),
		"instances.suspend":                changed(instances, wasSuspended),
		"instances.reset":                  changed(instances, wasReset),
		"instances.attachDisk":             changed(instances, diskAttached),
		"instances.detachDisk":             changed(instances, diskDetached),
		"instances.setDiskAutoDelete":      changed(instances, autoDeleteSet),
		"instances.addAccessConfig":        changed(instances, nicChanged),
		"instances.deleteAccessConfig":     changed(instances, nicChanged),
		"instances.updateAccessConfig":     changed(instances, nicChanged),
		"instances.updateNetworkInterface": changed(instances, nicChanged),
	}
	for _, verb := range []string{"setLabels", "setTags", "setMetadata", "setScheduling", "setDeletionProtection", "setMachineType",
		"setMinCpuPlatform", "setServiceAccount", "setName", "updateShieldedInstanceConfig", "setShieldedInstanceIntegrityPolicy",
		"updateDisplayDevice", "update"} {
		out["instances."+verb] = changed(instances, applyInstance)
	}
	return out
}

// instanceDurations are assumed: see module. A stop waits for the guest, up to
// 90 s (https://cloud.google.com/compute/docs/instances/stop-start-instance).
func instanceDurations() map[string]time.Duration {
	out := map[string]time.Duration{
		"instances.insert": 10 * time.Second, "instances.bulkInsert": 10 * time.Second, "instances.delete": 40 * time.Second,
		"instances.start": 10 * time.Second, "instances.stop": 30 * time.Second, "instances.reset": 3 * time.Second,
		"instances.suspend": 30 * time.Second, "instances.resume": 15 * time.Second, "instances.update": 10 * time.Second,
		"instances.attachDisk": 4 * time.Second, "instances.detachDisk": 4 * time.Second, "instances.setDiskAutoDelete": time.Second,
		"instances.addAccessConfig": 5 * time.Second, "instances.deleteAccessConfig": 5 * time.Second,
		"instances.updateNetworkInterface": 8 * time.Second, guestPowerOff: 4 * time.Minute,
	}
	for command := range instanceCompletions() {
		if _, ok := out[command]; !ok {
			out[command] = 2 * time.Second
		}
	}
	return out
}

// instanceUsage counts instances and what they occupy. The vCPUs of stopped
// instances are free for others.
func instanceUsage() map[string]func(tx *engine.Tx, project, region string) float64 {
	sum := func(of func(i *Instance) int) func(tx *engine.Tx, project, region string) float64 {
		return func(tx *engine.Tx, project, region string) float64 {
			n := 0
			for _, i := range instances.kind.All(tx, project) {
				if region == "" || i.region() == region {
					n += of(i)
				}
			}
			return float64(n)
		}
	}
	vcpus := func(of func(quota string) bool) func(i *Instance) int {
		return func(i *Instance) int {
			if i.Status == vmTerminated || !of(vcpuQuota(seriesOf(i.MachineType))) {
				return 0
			}
			return i.VCPUs
		}
	}
	out := map[string]func(*engine.Tx, string, string) float64{
		"INSTANCES":        sum(func(*Instance) int { return 1 }),
		"IN_USE_ADDRESSES": sum((*Instance).publicIPs),
		"CPUS_ALL_REGIONS": sum(vcpus(func(string) bool { return true })),
		"CPUS":             sum(vcpus(func(q string) bool { return q == "CPUS" })),
	}
	for _, series := range []string{"n2", "n2d", "t2d", "t2a", "c2", "c2d", "c3", "c3d", "c4", "c4a", "n4"} {
		mine := vcpuQuota(series)
		out[mine] = sum(vcpus(func(q string) bool { return q == mine }))
	}
	return out
}
