package vm

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// reviewGuest judges the guest's settings in their place and beside the
// machine's other attributes, tells whether the machine has them, and composes
// the user data of a machine that is about to be made.
func reviewGuest(ctx context.Context, r *service.Review[model], driver cloud.Driver, location cloud.Location) {
	if r.Diags.HasError() {
		return
	}
	entry, err := r.Env.Catalog.Lookup(location)
	if err != nil {
		return // reported where all objects are judged
	}
	if m := part[types.Object](r.Plan.Guest, "maintenance"); !r.Plan.Guest.IsNull() && !r.Plan.Guest.IsUnknown() && whole(ctx, m) {
		service.Report(r.Diags, guest.CheckMaintenance("guest.maintenance", maintenanceOf(m), entry.TimeZone)...)
	}
	settings, known := settingsOf(ctx, r.Plan.Guest)
	hash := ""
	if known {
		service.Report(r.Diags, together(r.Plan, settings)...)
		if hash, err = settings.hash(r.Plan.UserData.ValueString()); err != nil {
			r.Diags.AddAttributeError(path.Root("guest"), "Settings not understood", err.Error()+". This is a bug of Holdfast.")
		}
	}
	if r.Prior == nil {
		checkSecrets(r)
	}
	r.Plan.GuestHash, r.Plan.GuestCurrent = told(r, hash)
	if r.Final && r.Prior == nil && known && !r.Diags.HasError() {
		r.Plan.composed = compose(ctx, r, driver, entry, settings)
	}
}

// told tells what the machine was told, and whether that is what is configured.
func told(r *service.Review[model], hash string) (types.String, types.Bool) {
	switch {
	case r.Prior == nil && r.Plan.Guest.IsNull():
		return types.StringNull(), types.BoolNull()
	case r.Prior == nil && r.Final:
		return types.StringValue(hash), types.BoolValue(true)
	case r.Prior == nil:
		return types.StringUnknown(), types.BoolUnknown()
	case r.Plan.Guest.IsNull():
		return r.Prior.GuestHash, types.BoolNull()
	case hash == "":
		return r.Prior.GuestHash, types.BoolUnknown()
	}
	current := r.Prior.GuestHash.ValueString() == hash
	if !current && !r.Final && r.Plan.Location.Equal(r.Prior.Location) && len(replaces(r.Prior, r.Plan)) == 0 {
		r.Diags.AddAttributeWarning(path.Root("guest"), "The running machine keeps what it was told",
			fmt.Sprintf("The guest's settings of VM %q act when the machine is made; this one was made with others. The apply only writes the new ones to the state. "+
				"To let them act, replace the machine: terraform apply -replace=<its address>. Its volumes stay.", r.Plan.Name.ValueString()))
	}
	return r.Prior.GuestHash, types.BoolValue(current)
}

// together judges the settings beside the machine's other attributes.
func together(m *model, s guestSettings) []policy.Finding {
	var findings []policy.Finding
	volumes, all := service.KnownStrings(m.VolumeIDs)
	for _, mount := range s.Mounts {
		if all && !slices.Contains(volumes, mount.ID) {
			findings = append(findings, policy.Finding{Field: mountField(mount.Path), Summary: "Volume not attached", Detail: fmt.Sprintf("%s is none of volume_ids, so the machine would wait for it for ever.", mount.ID), Remedy: "Name it in volume_ids."})
		}
	}
	if s.Backup == nil {
		return findings
	}
	if plan := m.BackupPlanID; service.Known(plan) && plan.ValueString() != s.Backup.Plan.Name || plan.IsNull() {
		findings = append(findings, policy.Finding{Promise: policy.BAK1, Field: "guest.backup.plan", Summary: "Two backup plans",
			Detail: fmt.Sprintf("The machine is told the plan %.60q, and backup_plan_id names %.60q.", s.Backup.Plan.Name, plan.ValueString()), Remedy: "Set backup_plan_id to the same plan's id."})
	}
	if s.Backup.Plan.BucketIDs != nil {
		var ids []string
		for _, b := range s.Backup.Buckets {
			ids = append(ids, b.ID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, s.Backup.Plan.BucketIDs) {
			findings = append(findings, policy.Finding{Promise: policy.BAK2, Field: "guest.backup.buckets", Summary: "Other buckets than the plan's",
				Detail: fmt.Sprintf("The plan %.60q holds its backups in %s, and the machine is told %s.", s.Backup.Plan.Name, strings.Join(s.Backup.Plan.BucketIDs, ", "), strings.Join(ids, ", ")), Remedy: "Give the plan's buckets."})
		}
	}
	return findings
}

// compose renders the user data of a machine that is about to be made.
func compose(ctx context.Context, r *service.Review[model], driver cloud.Driver, entry catalog.Entry, s guestSettings) string {
	m := r.Plan
	spec := guest.Spec{
		Version: guest.SpecVersion, Deployment: r.Env.Deployment, Tenant: m.Tenant.ValueString(), Machine: m.Name.ValueString(),
		Location: entry.Location.String(), TimeZone: entry.TimeZone,
		Admins: s.Admins, Networks: networks(ctx, r, driver), Ports: s.Ports, Intrusion: s.Intrusion, Maintenance: s.Maintenance, Proxy: s.Proxy,
	}
	for _, mount := range s.Mounts {
		spec.Volumes = append(spec.Volumes, guest.Volume{Name: mount.Name, Device: mount.Device, Mount: mount.Path, Binding: mount.Encryption.Binding, Recovery: mount.Encryption.Recovery})
		if mount.Path == s.DatabaseMount {
			spec.Database = &guest.Database{Engine: s.Engine, Volume: mount.Name}
		}
	}
	if restore, ok := restoreOf(ctx, m.Restore); ok {
		spec.Restore = &restore
	}
	if s.Backup != nil {
		spec.Backup = backups(ctx, r, entry, s)
	}
	if r.Diags.HasError() {
		return ""
	}
	// What is found only here is found before the first request all the same.
	findings := guest.Check(spec)
	for i := range findings {
		findings[i].Detail = fmt.Sprintf("Of %s that the machine is told: %s", findings[i].Field, findings[i].Detail)
		findings[i].Field = "guest"
	}
	if len(findings) > 0 {
		service.Report(r.Diags, findings...)
		return ""
	}
	limit := driver.Capabilities().MaxUserDataBytes
	text, err := guest.UserData(spec, m.UserData.ValueString(), limit)
	if err != nil {
		service.Report(r.Diags, service.At("guest", err))
		return ""
	}
	service.Report(r.Diags, policy.CheckUserData(text, limit)...)
	return text
}

// backups tells the machine its plan and buckets, with the secrets sealed.
func backups(ctx context.Context, r *service.Review[model], entry catalog.Entry, s guestSettings) *guest.Backup {
	b := s.Backup
	told := &guest.Backup{At: b.Plan.Schedule, TimeZone: cmp.Or(b.Plan.TimeZone, entry.TimeZone), Daily: b.Plan.Keep.Daily, Weekly: b.Plan.Keep.Weekly, Monthly: b.Plan.Keep.Monthly, Paths: b.Paths}
	secrets, ok := secretsOf(r, entry.Location, b)
	if !ok {
		return nil
	}
	sealer := newSealer(ctx, r, s.Mounts)
	if sealer == nil {
		return nil
	}
	told.Password = sealer.seal("guest.backup.password_wo", secrets.password)
	for _, bucket := range nearest(r.Env.Catalog, entry, b.Buckets) {
		id, _ := cloud.ParseID(bucket.ID) // secretsOf has read it
		to := guest.Bucket{Name: id.Native, Location: id.Location.String(), Kind: kindOf(id.Location), Endpoint: bucket.Endpoint, ImmutableDays: bucket.ImmutableDays, ClearsLocks: b.ClearsLocks}
		if text := secrets.credentials[bucket.ID]; text != "" {
			to.Credentials = sealer.seal("guest.backup.credentials_wo", text)
		}
		told.Buckets = append(told.Buckets, to)
	}
	return told
}

// kindOf tells how the machine speaks to a vendor's object store.
func kindOf(location cloud.Location) string {
	if location.Cloud == "google" {
		return guest.KindGCS
	}
	return guest.KindS3
}

// nearest orders buckets by how near they stand: those of the machine's own
// country first, then of its continent; as given among their like.
func nearest(known *catalog.Catalog, here catalog.Entry, buckets []guestBucket) []guestBucket {
	far := func(b guestBucket) int {
		id, err := cloud.ParseID(b.ID)
		if err != nil {
			return 3
		}
		there, err := known.Lookup(id.Location)
		switch {
		case err != nil || there.Continent != here.Continent:
			return 2
		case there.Country != here.Country:
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(buckets), func(a, b guestBucket) int { return cmp.Compare(far(a), far(b)) })
}

// networkTime bounds one read of the machine's network.
const networkTime = time.Minute

// networks gives the tenant's own ranges, which this run knows from making or
// reading the network.
func networks(ctx context.Context, r *service.Review[model], driver cloud.Driver) []string {
	id, err := cloud.ParseID(r.Plan.NetworkID.ValueString())
	if err != nil {
		return nil // reported already
	}
	subnets, known := r.Env.Subnets(id)
	if !known {
		limited, cancel := context.WithTimeout(ctx, networkTime)
		defer cancel()
		network, err := driver.Networks().Get(limited, id.Native)
		if err != nil {
			r.Diags.Append(service.Explain(err, fmt.Sprintf("read the network of VM %q", r.Plan.Name.ValueString()), func(string) bool { return true }))
			return nil
		}
		subnets = network.Subnets
	}
	texts := []string{}
	for _, p := range slices.SortedFunc(slices.Values(subnets), func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) }) {
		texts = append(texts, p.String())
	}
	return texts
}
