package vm

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// model is the resource as Terraform holds it.
type model struct {
	service.Common
	service.Tenancy
	CPUs         types.Int64   `tfsdk:"cpus"`
	MemoryGB     types.Float64 `tfsdk:"memory_gb"`
	Architecture types.String  `tfsdk:"architecture"`
	ServerType   types.String  `tfsdk:"server_type"`
	DiskGB       types.Int64   `tfsdk:"disk_gb"`
	Image        types.String  `tfsdk:"image"`
	ImageID      types.String  `tfsdk:"image_id"`
	SSHKeyIDs    types.Set     `tfsdk:"ssh_key_ids"`
	NetworkID    types.String  `tfsdk:"network_id"`
	PrivateIP    types.String  `tfsdk:"private_ip"`
	FirewallIDs  types.Set     `tfsdk:"firewall_ids"`
	VolumeIDs    types.Set     `tfsdk:"volume_ids"`
	BackupPlanID types.String  `tfsdk:"backup_plan_id"`
	UserData     types.String  `tfsdk:"user_data"`
	Guest        types.Object  `tfsdk:"guest"`
	GuestHash    types.String  `tfsdk:"guest_hash"`
	GuestCurrent types.Bool    `tfsdk:"guest_current"`
	Restore      types.Object  `tfsdk:"restore"`
	PowerState   types.String  `tfsdk:"power_state"`
	PublicIPv4   types.Bool    `tfsdk:"public_ipv4"`
	PublicIPv6   types.Bool    `tfsdk:"public_ipv6"`
	Hetzner      types.Object  `tfsdk:"hetzner"`
	Google       types.Object  `tfsdk:"google"`
	IPv4Address  types.String  `tfsdk:"ipv4_address"`
	IPv6Address  types.String  `tfsdk:"ipv6_address"`
	IPv6Network  types.String  `tfsdk:"ipv6_network"`
	Status       types.String  `tfsdk:"status"`

	// alternatives are the server types to order when ServerType is sold out:
	// only an apply knows them, and no state keeps them.
	alternatives []string
	// composed are the user data with the guest's settings and sealed secrets:
	// only the apply that makes the machine knows them.
	composed string
}
