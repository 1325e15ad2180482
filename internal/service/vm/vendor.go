package vm

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// hetznerCloud is the name of the cloud that the block `hetzner` is for.
const hetznerCloud = "hetzner"

// The vendor options of a VM on Hetzner Cloud, as its driver documents them.
const (
	optionPlacementGroup = "placement_group_id"
	optionKeepDisk       = "keep_disk"
)

// vendorBlocks is what only one vendor has; a block is read only where the
// machine stands in that vendor's cloud.
func vendorBlocks() map[string]schema.Block {
	return map[string]schema.Block{
		"hetzner": schema.SingleNestedBlock{
			MarkdownDescription: "What only Hetzner Cloud has; read only where the machine stands there.",
			Attributes: map[string]schema.Attribute{
				optionPlacementGroup: schema.StringAttribute{
					Optional:            true,
					MarkdownDescription: "The vendor's id of a placement group, for example from the vendor's own provider. Changed in place with a stop.",
				},
				optionKeepDisk: schema.BoolAttribute{
					Optional:            true,
					MarkdownDescription: "Whether the machine's own disk keeps its size when the server type grows, so that the machine can become smaller again. Default `true`.",
				},
			},
		},
		googleblock.Name: googleblock.VM(),
	}
}

// hetznerModel is the block of what only Hetzner Cloud has.
type hetznerModel struct {
	PlacementGroupID types.String `tfsdk:"placement_group_id"`
	KeepDisk         types.Bool   `tfsdk:"keep_disk"`
}

// hetznerTypes are the types of the block's attributes.
func hetznerTypes() map[string]attr.Type {
	return map[string]attr.Type{
		optionPlacementGroup: types.StringType,
		optionKeepDisk:       types.BoolType,
	}
}

// hetzner reads the block; nil where it is absent or not known yet.
func (m *model) hetzner(ctx context.Context, diags *diag.Diagnostics) *hetznerModel {
	if m.Hetzner.IsNull() || m.Hetzner.IsUnknown() {
		return nil
	}
	var block hetznerModel
	diags.Append(m.Hetzner.As(ctx, &block, basetypes.ObjectAsOptions{})...)
	return &block
}

// hetznerID is the form of Hetzner Cloud's ids: positive numbers of 64 bits.
var hetznerID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

func checkHetzner(ctx context.Context, m *model, diags *diag.Diagnostics) {
	block := m.hetzner(ctx, diags)
	if block == nil || block.PlacementGroupID.IsNull() || block.PlacementGroupID.IsUnknown() {
		return
	}
	if id := block.PlacementGroupID.ValueString(); !hetznerID.MatchString(id) {
		diags.AddAttributeError(path.Root("hetzner").AtName(optionPlacementGroup), "Not a placement group",
			fmt.Sprintf("%q is not the id of a placement group on Hetzner Cloud, which is a number.", id))
	}
}

func checkGoogle(m *model, diags *diag.Diagnostics) {
	service.Report(diags, googleblock.Check(m.Location, m.Google)...)
}

// options gives what only the machine's own cloud reads.
func options(ctx context.Context, m *model, location cloud.Location, diags *diag.Diagnostics) map[string]string {
	switch location.Cloud {
	case hetznerCloud:
		return hetznerOptions(m.hetzner(ctx, diags))
	case googleblock.Name:
		return googleblock.Options(m.Google)
	}
	return nil
}

func hetznerOptions(block *hetznerModel) map[string]string {
	if block == nil {
		return nil
	}
	given := map[string]string{}
	if group := block.PlacementGroupID.ValueString(); group != "" {
		given[optionPlacementGroup] = group
	}
	if keep := block.KeepDisk; !keep.IsNull() && !keep.IsUnknown() {
		given[optionKeepDisk] = strconv.FormatBool(keep.ValueBool())
	}
	return given
}

// keepsDisk tells that rescaling certainly leaves the machine's own disk as it
// is.
func keepsDisk(m *model) bool {
	keep, given := m.Hetzner.Attributes()[optionKeepDisk].(types.Bool)
	return !m.Hetzner.IsUnknown() && (!given || keep.IsNull() || keep.ValueBool())
}

// observeHetzner fills in the vendor's block where the configuration has one:
// without it the placement group is not Holdfast's business.
func observeHetzner(m *model, vm cloud.VM, location cloud.Location) {
	if m.Hetzner.IsNull() || m.Hetzner.IsUnknown() {
		m.Hetzner = types.ObjectNull(hetznerTypes())
		return
	}
	if location.Cloud != hetznerCloud {
		return // not read here
	}
	values := m.Hetzner.Attributes()
	values[optionPlacementGroup] = service.OptionalString(vm.Options[optionPlacementGroup])
	m.Hetzner = types.ObjectValueMust(hetznerTypes(), values)
}

// observeGoogle shows how the machine's own disk is encrypted, and as whom the
// machine acts.
func observeGoogle(m *model, vm cloud.VM, location cloud.Location) {
	m.Google = googleblock.Observe(m.Google, googleblock.VMTypes(), vm.Options, location)
}
