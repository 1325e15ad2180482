package vm

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// seen is a machine as the data sources show it.
type seen struct {
	ID                 types.String  `tfsdk:"id"`
	NativeID           types.String  `tfsdk:"native_id"`
	Name               types.String  `tfsdk:"name"`
	Location           types.String  `tfsdk:"location"`
	Deployment         types.String  `tfsdk:"deployment"`
	Tenant             types.String  `tfsdk:"tenant"`
	Tier               types.String  `tfsdk:"tier"`
	ServerType         types.String  `tfsdk:"server_type"`
	CPUs               types.Int64   `tfsdk:"cpus"`
	MemoryGB           types.Float64 `tfsdk:"memory_gb"`
	DiskGB             types.Int64   `tfsdk:"disk_gb"`
	Architecture       types.String  `tfsdk:"architecture"`
	Image              types.String  `tfsdk:"image"`
	NetworkID          types.String  `tfsdk:"network_id"`
	PrivateIP          types.String  `tfsdk:"private_ip"`
	VolumeIDs          types.Set     `tfsdk:"volume_ids"`
	PowerState         types.String  `tfsdk:"power_state"`
	IPv4Address        types.String  `tfsdk:"ipv4_address"`
	IPv6Address        types.String  `tfsdk:"ipv6_address"`
	IPv6Network        types.String  `tfsdk:"ipv6_network"`
	Status             types.String  `tfsdk:"status"`
	Labels             types.Map     `tfsdk:"labels"`
	DeletionProtection types.Bool    `tfsdk:"deletion_protection"`
}

// show maps an observed machine under the id that it is known by.
func show(id cloud.ID, vm cloud.VM) seen {
	s := seen{
		ID:         types.StringValue(id.String()),
		NativeID:   types.StringValue(id.Native),
		Name:       types.StringValue(vm.Name),
		Location:   types.StringValue(id.Location.String()),
		Deployment: service.OptionalString(vm.Deployment),
		Tenant:     service.OptionalString(vm.Tenant),
		Tier:       service.OptionalString(string(vm.Tier)),
		ServerType: service.OptionalString(vm.ServerType),
		CPUs:       types.Int64Value(vm.CPUs), MemoryGB: types.Float64Value(vm.MemoryGB),
		Architecture:       service.OptionalString(string(vm.Architecture)),
		Image:              service.OptionalString(vm.Image),
		VolumeIDs:          idSet(vm.Volumes, types.SetValueMust(types.StringType, []attr.Value{}), id.Location),
		PowerState:         service.OptionalString(string(vm.Power)),
		Status:             service.OptionalString(vm.Status),
		Labels:             labelMap(vm.Labels),
		DeletionProtection: types.BoolValue(vm.Protected),
	}
	if vm.DiskGB > 0 {
		s.DiskGB = types.Int64Value(vm.DiskGB)
	}
	if vm.Network != "" {
		s.NetworkID = types.StringValue(idFor(vm.Network, nil, id.Location))
	}
	if vm.PrivateIP.IsValid() {
		s.PrivateIP = types.StringValue(vm.PrivateIP.String())
	}
	s.IPv4Address, s.IPv6Address, s.IPv6Network = addresses(vm)
	return s
}

// unseen is a machine that nobody may ask about.
func unseen(id, name, location types.String) seen {
	return seen{ID: id, Name: name, Location: location, VolumeIDs: types.SetNull(types.StringType), Labels: types.MapNull(types.StringType)}
}

func labelMap(labels map[string]string) types.Map {
	values := map[string]attr.Value{}
	for key, value := range labels {
		values[key] = types.StringValue(value)
	}
	return types.MapValueMust(types.StringType, values)
}

// seenAttributes is the schema of seen, all computed.
func seenAttributes(_ context.Context) map[string]schema.Attribute {
	attributes := map[string]schema.Attribute{
		"cpus":      schema.Int64Attribute{Computed: true, MarkdownDescription: "The number of virtual CPUs."},
		"memory_gb": schema.Float64Attribute{Computed: true, MarkdownDescription: "The memory in GB."},
		"disk_gb":   schema.Int64Attribute{Computed: true, MarkdownDescription: "The size of the machine's own disk in GB; null where the cloud does not tell."},
		"volume_ids": schema.SetAttribute{Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The `id`s of the volumes that the machine holds."},
		"labels": schema.MapAttribute{Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The user's labels."},
		"deletion_protection": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the cloud refuses to delete the machine."},
	}
	maps.Insert(attributes, maps.All(seenTexts()))
	return attributes
}

func seenTexts() map[string]schema.Attribute {
	texts := map[string]schema.Attribute{}
	for name, description := range map[string]string{
		"id":           "`<cloud>/<location>/<native id>`.",
		"native_id":    "The vendor's own identifier.",
		"name":         "Name of the machine.",
		"location":     "`<cloud>/<data centre>` where it stands.",
		"deployment":   "The deployment that owns it; null if none does.",
		"tenant":       "The tenant whose machine it is.",
		"tier":         "`paid` or `free`.",
		"server_type":  "The vendor's name of the size.",
		"architecture": "`x86` or `arm`.",
		"image":        "The image that it was made from; null if the vendor does not know it any more.",
		"network_id":   "The `id` of its private network.",
		"private_ip":   "Its address in the private network.",
		"power_state":  "`running` or `stopped`.",
		"ipv4_address": "The public IPv4 address.",
		"ipv6_address": "The first address of the public IPv6 network.",
		"ipv6_network": "The public IPv6 network.",
		"status":       "The vendor's word for what the machine does now.",
	} {
		texts[name] = schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return texts
}
