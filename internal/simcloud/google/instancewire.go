package google

// The parts of an instance whose stored form is the vendor's own JSON: what a
// request says is kept and answered again, with the vendor's defaults added.

type serviceAccount struct {
	Email  string   `json:"email,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
}

type nodeAffinity struct {
	Key      string   `json:"key,omitempty"`
	Operator string   `json:"operator,omitempty"`
	Values   []string `json:"values,omitempty"`
}

type duration struct {
	Seconds Int64 `json:"seconds,omitempty"`
	Nanos   int   `json:"nanos,omitempty"`
}

type scheduling struct {
	OnHostMaintenance         string         `json:"onHostMaintenance,omitempty"`
	AutomaticRestart          *bool          `json:"automaticRestart,omitempty"`
	Preemptible               *bool          `json:"preemptible,omitempty"`
	ProvisioningModel         string         `json:"provisioningModel,omitempty"`
	InstanceTerminationAction string         `json:"instanceTerminationAction,omitempty"`
	MinNodeCPUs               int            `json:"minNodeCpus,omitempty"`
	AvailabilityDomain        int            `json:"availabilityDomain,omitempty"`
	HostErrorTimeoutSeconds   int            `json:"hostErrorTimeoutSeconds,omitempty"`
	LocationHint              string         `json:"locationHint,omitempty"`
	NodeAffinities            []nodeAffinity `json:"nodeAffinities,omitempty"`
	MaxRunDuration            *duration      `json:"maxRunDuration,omitempty"`
	TerminationTime           string         `json:"terminationTime,omitempty"`
}

type shieldedConfig struct {
	SecureBoot          *bool `json:"enableSecureBoot,omitempty"`
	VTPM                *bool `json:"enableVtpm,omitempty"`
	IntegrityMonitoring *bool `json:"enableIntegrityMonitoring,omitempty"`
}

type integrityPolicy struct {
	UpdateAutoLearnPolicy *bool `json:"updateAutoLearnPolicy,omitempty"`
}

type confidentialConfig struct {
	Enable bool   `json:"enableConfidentialCompute,omitempty"`
	Type   string `json:"confidentialInstanceType,omitempty"`
}

type advancedFeatures struct {
	NestedVirtualization *bool  `json:"enableNestedVirtualization,omitempty"`
	UEFINetworking       *bool  `json:"enableUefiNetworking,omitempty"`
	ThreadsPerCore       int    `json:"threadsPerCore,omitempty"`
	VisibleCoreCount     int    `json:"visibleCoreCount,omitempty"`
	MonitoringUnit       string `json:"performanceMonitoringUnit,omitempty"`
	TurboMode            string `json:"turboMode,omitempty"`
}

type reservationAffinity struct {
	ConsumeReservationType string   `json:"consumeReservationType,omitempty"`
	Key                    string   `json:"key,omitempty"`
	Values                 []string `json:"values,omitempty"`
}

type displayDevice struct {
	Enable bool `json:"enableDisplay"`
}

type networkPerformance struct {
	Tier string `json:"totalEgressBandwidthTier,omitempty"`
}

type accelerator struct {
	Type  string `json:"acceleratorType,omitempty"`
	Count int    `json:"acceleratorCount,omitempty"`
}

// accessConfig is a public address of an interface: ONE_TO_ONE_NAT among the
// accessConfigs, DIRECT_IPV6 among the ipv6AccessConfigs.
type accessConfig struct {
	Kind                string `json:"kind,omitempty"`
	Type                string `json:"type,omitempty"`
	Name                string `json:"name,omitempty"`
	NatIP               string `json:"natIP,omitempty"`
	NetworkTier         string `json:"networkTier,omitempty"`
	SetPublicPTR        *bool  `json:"setPublicPtr,omitempty"`
	PublicPTRDomainName string `json:"publicPtrDomainName,omitempty"`
	ExternalIPv6        string `json:"externalIpv6,omitempty"`
	ExternalIPv6Length  int    `json:"externalIpv6PrefixLength,omitempty"`
}

type aliasRange struct {
	IPCIDRRange         string `json:"ipCidrRange,omitempty"`
	SubnetworkRangeName string `json:"subnetworkRangeName,omitempty"`
}

// What requests say of an instance.

type attachedDiskRequest struct {
	Type              string          `json:"type"`
	Mode              string          `json:"mode"`
	Source            string          `json:"source"`
	DeviceName        string          `json:"deviceName"`
	Boot              bool            `json:"boot"`
	AutoDelete        bool            `json:"autoDelete"`
	Interface         string          `json:"interface"`
	ForceAttach       bool            `json:"forceAttach"`
	DiskSizeGB        Int64           `json:"diskSizeGb"`
	DiskEncryptionKey *encryptionKey  `json:"diskEncryptionKey"`
	GuestOSFeatures   []osFeature     `json:"guestOsFeatures"`
	InitializeParams  *initializeDisk `json:"initializeParams"`
}

type initializeDisk struct {
	DiskName              string            `json:"diskName"`
	SourceImage           string            `json:"sourceImage"`
	SourceSnapshot        string            `json:"sourceSnapshot"`
	DiskSizeGB            Int64             `json:"diskSizeGb"`
	DiskType              string            `json:"diskType"`
	Description           string            `json:"description"`
	Labels                map[string]string `json:"labels"`
	Architecture          string            `json:"architecture"`
	ProvisionedIOPS       Int64             `json:"provisionedIops"`
	ProvisionedThroughput Int64             `json:"provisionedThroughput"`
	ResourcePolicies      []string          `json:"resourcePolicies"`
	ReplicaZones          []string          `json:"replicaZones"`
	StoragePool           string            `json:"storagePool"`
}

type interfaceRequest struct {
	Name              string         `json:"name"`
	Network           string         `json:"network"`
	Subnetwork        string         `json:"subnetwork"`
	NetworkIP         string         `json:"networkIP"`
	AccessConfigs     []accessConfig `json:"accessConfigs"`
	IPv6AccessConfigs []accessConfig `json:"ipv6AccessConfigs"`
	AliasIPRanges     []aliasRange   `json:"aliasIpRanges"`
	StackType         string         `json:"stackType"`
	NICType           string         `json:"nicType"`
	QueueCount        int            `json:"queueCount"`
	Fingerprint       string         `json:"fingerprint"`
}

type tagsRequest struct {
	Fingerprint string   `json:"fingerprint"`
	Items       []string `json:"items"`
}

// instanceRequest is the instance of an insert, an update or a bulk insert.
type instanceRequest struct {
	Name                    string                `json:"name"`
	Description             string                `json:"description"`
	Hostname                string                `json:"hostname"`
	MachineType             string                `json:"machineType"`
	MinCPUPlatform          string                `json:"minCpuPlatform"`
	Disks                   []attachedDiskRequest `json:"disks"`
	NetworkInterfaces       []interfaceRequest    `json:"networkInterfaces"`
	Metadata                *Metadata             `json:"metadata"`
	Tags                    tagsRequest           `json:"tags"`
	Labels                  map[string]string     `json:"labels"`
	LabelFingerprint        string                `json:"labelFingerprint"`
	Fingerprint             string                `json:"fingerprint"`
	ServiceAccounts         []serviceAccount      `json:"serviceAccounts"`
	Scheduling              *scheduling           `json:"scheduling"`
	Shielded                *shieldedConfig       `json:"shieldedInstanceConfig"`
	IntegrityPolicy         *integrityPolicy      `json:"shieldedInstanceIntegrityPolicy"`
	Confidential            *confidentialConfig   `json:"confidentialInstanceConfig"`
	Advanced                *advancedFeatures     `json:"advancedMachineFeatures"`
	ReservationAffinity     *reservationAffinity  `json:"reservationAffinity"`
	Display                 *displayDevice        `json:"displayDevice"`
	NetworkPerformance      *networkPerformance   `json:"networkPerformanceConfig"`
	Accelerators            []accelerator         `json:"guestAccelerators"`
	ResourcePolicies        []string              `json:"resourcePolicies"`
	CanIPForward            bool                  `json:"canIpForward"`
	DeletionProtection      bool                  `json:"deletionProtection"`
	KeyRevocationActionType string                `json:"keyRevocationActionType"`
	PrivateIPv6GoogleAccess string                `json:"privateIpv6GoogleAccess"`
}
