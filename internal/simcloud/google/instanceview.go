package google

type attachedDiskView struct {
	Kind              string         `json:"kind"`
	Type              string         `json:"type"`
	Mode              string         `json:"mode"`
	Source            string         `json:"source,omitempty"`
	DeviceName        string         `json:"deviceName"`
	Index             int            `json:"index"`
	Boot              bool           `json:"boot"`
	AutoDelete        bool           `json:"autoDelete"`
	Licenses          []string       `json:"licenses,omitempty"`
	Interface         string         `json:"interface"`
	GuestOSFeatures   []osFeature    `json:"guestOsFeatures,omitempty"`
	DiskSizeGB        Int64          `json:"diskSizeGb"`
	DiskEncryptionKey *encryptionKey `json:"diskEncryptionKey,omitempty"`
	Architecture      string         `json:"architecture,omitempty"`
}

type interfaceView struct {
	Kind              string         `json:"kind"`
	Name              string         `json:"name"`
	Network           string         `json:"network"`
	Subnetwork        string         `json:"subnetwork,omitempty"`
	NetworkIP         string         `json:"networkIP,omitempty"`
	IPv6Address       string         `json:"ipv6Address,omitempty"`
	IPv6PrefixLength  int            `json:"internalIpv6PrefixLength,omitempty"`
	IPv6AccessType    string         `json:"ipv6AccessType,omitempty"`
	StackType         string         `json:"stackType"`
	NICType           string         `json:"nicType,omitempty"`
	QueueCount        int            `json:"queueCount,omitempty"`
	AccessConfigs     []accessConfig `json:"accessConfigs,omitempty"`
	IPv6AccessConfigs []accessConfig `json:"ipv6AccessConfigs,omitempty"`
	AliasIPRanges     []aliasRange   `json:"aliasIpRanges,omitempty"`
	Fingerprint       string         `json:"fingerprint"`
}

type tagsView struct {
	Fingerprint string   `json:"fingerprint"`
	Items       []string `json:"items,omitempty"`
}

type instanceView struct {
	Kind                    string               `json:"kind"`
	ID                      uint64               `json:"id,string"`
	CreationTimestamp       string               `json:"creationTimestamp"`
	Name                    string               `json:"name"`
	Description             string               `json:"description,omitempty"`
	Hostname                string               `json:"hostname,omitempty"`
	Tags                    tagsView             `json:"tags"`
	MachineType             string               `json:"machineType"`
	Status                  string               `json:"status"`
	Zone                    string               `json:"zone"`
	CanIPForward            bool                 `json:"canIpForward"`
	NetworkInterfaces       []interfaceView      `json:"networkInterfaces"`
	Disks                   []attachedDiskView   `json:"disks"`
	Metadata                *Metadata            `json:"metadata"`
	ServiceAccounts         []serviceAccount     `json:"serviceAccounts,omitempty"`
	SelfLink                string               `json:"selfLink"`
	Scheduling              scheduling           `json:"scheduling"`
	CPUPlatform             string               `json:"cpuPlatform"`
	MinCPUPlatform          string               `json:"minCpuPlatform,omitempty"`
	Labels                  map[string]string    `json:"labels,omitempty"`
	LabelFingerprint        string               `json:"labelFingerprint"`
	StartRestricted         bool                 `json:"startRestricted"`
	DeletionProtection      bool                 `json:"deletionProtection"`
	Shielded                *shieldedConfig      `json:"shieldedInstanceConfig,omitempty"`
	Integrity               *integrityPolicy     `json:"shieldedInstanceIntegrityPolicy,omitempty"`
	Confidential            *confidentialConfig  `json:"confidentialInstanceConfig,omitempty"`
	Advanced                *advancedFeatures    `json:"advancedMachineFeatures,omitempty"`
	ReservationAffinity     *reservationAffinity `json:"reservationAffinity,omitempty"`
	NetworkPerformance      *networkPerformance  `json:"networkPerformanceConfig,omitempty"`
	Display                 *displayDevice       `json:"displayDevice,omitempty"`
	KeyRevocationActionType string               `json:"keyRevocationActionType,omitempty"`
	PrivateIPv6GoogleAccess string               `json:"privateIpv6GoogleAccess,omitempty"`
	Fingerprint             string               `json:"fingerprint"`
	LastStartTimestamp      string               `json:"lastStartTimestamp,omitempty"`
	LastStopTimestamp       string               `json:"lastStopTimestamp,omitempty"`
	LastSuspendedTimestamp  string               `json:"lastSuspendedTimestamp,omitempty"`
	ResourceStatus          *resourceStatus      `json:"resourceStatus"`
	SatisfiesPzi            bool                 `json:"satisfiesPzi"`
	SatisfiesPzs            bool                 `json:"satisfiesPzs"`
}

type resourceStatus struct {
	Scheduling        struct{}           `json:"scheduling"`
	EffectiveMetadata *effectiveMetadata `json:"effectiveInstanceMetadata,omitempty"`
}

// effectiveMetadata is what the vendor's own metadata keys amount to, those of
// the project counted where the instance says nothing.
type effectiveMetadata struct {
	BlockProjectSSHKeys bool `json:"blockProjectSshKeysMetadataValue"`
	EnableOSLogin       bool `json:"enableOsloginMetadataValue"`
	SerialPortEnable    bool `json:"serialPortEnableMetadataValue"`
}

func viewInstance(c *call, i *Instance) any {
	v := instanceView{Kind: "compute#instance", ID: i.number(), CreationTimestamp: stamp(i.Created), Name: i.Name,
		Description: i.Description, Hostname: i.Hostname, Tags: tagsView{Fingerprint: fingerprint(i.Tags), Items: i.Tags},
		MachineType: zonalLink(&i.Resource, "machineTypes", i.MachineType), Status: i.state(c.tx), Zone: scopeLink(&i.Resource),
		CanIPForward: i.CanIPForward, Metadata: i.Metadata.shown(), ServiceAccounts: i.ServiceAccounts, SelfLink: linkTo(i),
		Scheduling: i.Scheduling, CPUPlatform: c.cpuPlatform(i), MinCPUPlatform: i.MinCPUPlatform,
		Labels: i.Labels, LabelFingerprint: fingerprint(i.Labels), DeletionProtection: i.DeletionProtection,
		Shielded: i.Shielded, Integrity: i.Integrity, Confidential: i.Confidential, Advanced: i.Advanced,
		ReservationAffinity: i.ReservationAffinity, NetworkPerformance: i.NetworkPerformance,
		KeyRevocationActionType: i.KeyRevocationActionType, PrivateIPv6GoogleAccess: i.PrivateIPv6GoogleAccess,
		Fingerprint: i.fingerprint(), LastStartTimestamp: stamp(i.LastStart), LastStopTimestamp: stamp(i.LastStop),
		LastSuspendedTimestamp: stamp(i.LastSuspended), NetworkInterfaces: []interfaceView{}, Disks: []attachedDiskView{},
		ResourceStatus: &resourceStatus{EffectiveMetadata: c.effectiveMetadata(i)}}
	if i.Display {
		v.Display = &displayDevice{Enable: true}
	}
	for _, n := range i.NICs {
		v.NetworkInterfaces = append(v.NetworkInterfaces, c.viewNIC(n))
	}
	for index, d := range i.Disks {
		v.Disks = append(v.Disks, c.viewAttached(i, index, d))
	}
	return v
}

// cpuPlatform is where the instance runs: on the platform that it demands, or on
// the first of its machine series; unknown while it runs nowhere.
func (c *call) cpuPlatform(i *Instance) string {
	if i.Status == vmTerminated {
		return "Unknown CPU Platform"
	}
	if i.MinCPUPlatform != "" {
		return i.MinCPUPlatform
	}
	for _, f := range c.api.cat.Families {
		if f.Name == seriesOf(i.MachineType) && len(f.Platforms) > 0 {
			return f.Platforms[0]
		}
	}
	return "Intel Broadwell"
}

func (c *call) viewAttached(i *Instance, index int, a AttachedDisk) attachedDiskView {
	v := attachedDiskView{Kind: "compute#attachedDisk", Type: "PERSISTENT", Mode: a.Mode, DeviceName: a.DeviceName, Index: index,
		Boot: a.Boot, AutoDelete: a.AutoDelete, Interface: a.Interface}
	d := disks.kind.Get(c.tx, i.Project, a.Disk)
	if d == nil {
		v.Type, v.DiskSizeGB = "SCRATCH", Int64(a.SizeGB)
		return v
	}
	v.Source, v.DiskSizeGB, v.Architecture = linkTo(d), Int64(d.SizeGB), d.Architecture
	v.DiskEncryptionKey = d.EncryptionKey
	if a.Boot {
		v.GuestOSFeatures = featureViews(d.GuestOSFeatures)
	}
	v.Licenses = d.Licenses
	return v
}

func (c *call) viewNIC(n NIC) interfaceView {
	v := interfaceView{Kind: "compute#networkInterface", Name: n.Name, NetworkIP: n.IP, StackType: n.StackType, NICType: n.NICType,
		QueueCount: n.QueueCount, AccessConfigs: n.AccessConfigs, IPv6AccessConfigs: n.IPv6AccessConfigs,
		AliasIPRanges: n.AliasIPRanges, Fingerprint: fingerprint(n)}
	v.Network, v.Subnetwork = linkByID(c, networks, n.Network), linkByID(c, subnetworks, n.Subnetwork)
	if n.IPv6 != "" {
		v.IPv6Address, v.IPv6PrefixLength = n.IPv6, 96
	}
	switch {
	case n.StackType == "IPV4_ONLY":
	case n.IPv6 != "":
		v.IPv6AccessType = "INTERNAL"
	default:
		v.IPv6AccessType = "EXTERNAL"
	}
	return v
}

func (c *call) effectiveMetadata(i *Instance) *effectiveMetadata {
	project := c.projectMetadata()
	on := func(key string) bool {
		if _, own := i.Metadata.get(key); own {
			return i.Metadata.isTrue(key)
		}
		return project.isTrue(key)
	}
	return &effectiveMetadata{BlockProjectSSHKeys: i.Metadata.isTrue("block-project-ssh-keys"),
		EnableOSLogin: on("enable-oslogin"), SerialPortEnable: on("serial-port-enable")}
}

// fingerprint identifies the contents of the instance for update.
func (i *Instance) fingerprint() string {
	return fingerprint([]any{i.ID, i.Name, i.Description, i.MachineType, i.Labels, i.Metadata, i.Tags, i.Disks, i.NICs,
		i.ServiceAccounts, i.Scheduling, i.Shielded, i.DeletionProtection, i.Status})
}
