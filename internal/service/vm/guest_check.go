package vm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/encryption"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// checkGuest judges what is known of `guest` and `restore` by themselves.
func checkGuest(ctx context.Context, m *model, diags *diag.Diagnostics) {
	if m.Guest.IsUnknown() {
		return
	}
	var findings []policy.Finding
	if !m.Restore.IsNull() && !m.Restore.IsUnknown() {
		if m.Guest.IsNull() || part[types.Object](m.Guest, "backup").IsNull() {
			findings = append(findings, policy.Finding{Promise: guest.BAK5, Field: "restore", Summary: "Nothing to restore from", Detail: "The machine knows no bucket.", Remedy: "Give it guest.backup."})
		}
		if r, ok := restoreOf(ctx, m.Restore); ok {
			findings = append(findings, guest.CheckRestore("restore", r, nil)...)
		}
	}
	if !m.Guest.IsNull() {
		findings = append(findings, checkPeople(ctx, m)...)
		findings = append(findings, checkVolumes(ctx, m)...)
		findings = append(findings, checkServices(ctx, m.Guest)...)
		findings = append(findings, checkBackup(part[types.Map](m.Guest, "mounts"), part[types.Object](m.Guest, "backup"))...)
	}
	service.Report(diags, findings...)
}

// checkPeople judges who may log in, by `guest` and by `user_data`.
func checkPeople(ctx context.Context, m *model) []policy.Finding {
	value := part[types.Map](m.Guest, "admins")
	if !whole(ctx, value) {
		return nil
	}
	admins := adminsOf(value)
	findings := guest.CheckAdmins("admins", admins)
	for i := range findings {
		// The list of engineers is a map in the configuration.
		field := findings[i].Field
		for n, admin := range admins {
			here := fmt.Sprintf("admins[%d]", n)
			if rest, ok := strings.CutPrefix(field, here+".keys"); ok {
				field = fmt.Sprintf("admins[%q]%s", admin.Name, rest)
			} else if field == here+".name" {
				field = fmt.Sprintf("admins[%q]", admin.Name)
			}
		}
		findings[i].Field = "guest." + field
	}
	if service.Known(m.UserData) {
		findings = append(findings, guest.CheckOwn(m.UserData.ValueString(), admins)...)
	}
	return findings
}

// checkVolumes judges what is mounted where, and that it is encrypted.
func checkVolumes(ctx context.Context, m *model) []policy.Finding {
	mounts := part[types.Map](m.Guest, "mounts")
	if mounts.IsUnknown() {
		return nil
	}
	paths := slices.Sorted(maps.Keys(mounts.Elements()))
	findings := guest.CheckMounts(paths)
	for i := range findings {
		for n, path := range paths {
			if findings[i].Field == fmt.Sprintf("mounts[%d]", n) {
				findings[i].Field = mountField(path)
				break
			}
		}
	}
	// Where it is not known yet, a virtual TPM counts as possible.
	vtpm := !service.Known(m.Location) || strings.HasPrefix(m.Location.ValueString(), googleblock.Name+"/")
	for _, path := range paths {
		volume, ok := mounts.Elements()[path].(types.Object)
		if !ok || volume.IsUnknown() {
			continue
		}
		for _, name := range []string{"id", "name", "device"} {
			if part[types.String](volume, name).IsNull() {
				findings = append(findings, policy.Finding{Field: mountField(path) + "." + name, Summary: "Incomplete volume", Detail: "It has no " + name + ".", Remedy: "Give the volume as it is, such as holdfast_volume.data."})
			}
		}
		settings := part[types.Object](volume, encryption.Name)
		if settings.IsNull() {
			findings = append(findings, policy.Finding{Promise: policy.ENC1, Field: mountField(path), Summary: "Volume without encryption",
				Detail: "The guest encrypts every volume that it mounts, and this one does not say what opens it.", Remedy: "Give the holdfast_volume its encryption."})
		}
		findings = append(findings, encryption.Check(mountField(path)+"."+encryption.Name, settings, vtpm)...)
	}
	database := part[types.Object](m.Guest, "database")
	if database.IsNull() || !whole(ctx, database) {
		return findings
	}
	if engine := textOf(database, "engine"); engine != guest.PostgreSQL {
		findings = append(findings, policy.Finding{Field: "guest.database.engine", Summary: "Unknown database", Detail: fmt.Sprintf("%.60q is none that the machine can run.", engine), Remedy: "Write \"postgresql\"."})
	}
	if mount := textOf(database, "mount"); !slices.Contains(paths, mount) {
		findings = append(findings, policy.Finding{Promise: policy.ENC1, Field: "guest.database.mount", Summary: "Database outside of an encrypted volume", Detail: fmt.Sprintf("%.100q is none of mounts.", mount), Remedy: "Name one of mounts."})
	}
	return findings
}

// checkServices judges what the machine lets in, and by what it goes out.
func checkServices(ctx context.Context, g types.Object) []policy.Finding {
	var findings []policy.Finding
	if ports := part[types.Set](g, "ports"); whole(ctx, ports) {
		findings = append(findings, guest.CheckPorts("guest.ports", portsOf(ports), !part[types.Object](g, "database").IsNull())...)
		for i := range findings {
			findings[i].Field = "guest.ports" // elements of a set have no index
		}
	}
	if intrusion := part[types.Object](g, "intrusion"); whole(ctx, intrusion) {
		findings = append(findings, guest.CheckIntrusion("guest.intrusion", intrusionOf(intrusion))...)
	}
	if proxy := part[types.String](g, "proxy"); service.Known(proxy) {
		findings = append(findings, guest.CheckProxy("guest.proxy", proxy.ValueString())...)
	}
	return findings
}

// checkBackup judges that there is something to back up to, and to seal to.
func checkBackup(mounts types.Map, b types.Object) []policy.Finding {
	if b.IsNull() || b.IsUnknown() {
		return nil
	}
	var findings []policy.Finding
	if !mounts.IsUnknown() && len(mounts.Elements()) == 0 {
		findings = append(findings, policy.Finding{Promise: policy.ENC1, Field: "guest.backup", Summary: "Nothing to seal secrets to",
			Detail: "The secrets of backups are sealed to the Tang servers of the volumes in mounts, and there are none.", Remedy: "Mount the volume that is backed up."})
	}
	plan := part[types.Object](b, "plan")
	if plan.IsNull() || !plan.IsUnknown() && (part[types.String](plan, "name").IsNull() || part[types.String](plan, "schedule").IsNull()) {
		findings = append(findings, policy.Finding{Promise: policy.BAK1, Field: "guest.backup.plan", Summary: "Backups without a plan",
			Detail: "A plan needs a name and a schedule.", Remedy: "Give the plan as it is, such as holdfast_backup_plan.standard."})
	}
	buckets := part[types.List](b, "buckets")
	if !buckets.IsUnknown() && len(buckets.Elements()) == 0 {
		findings = append(findings, policy.Finding{Promise: policy.BAK2, Field: "guest.backup.buckets", Summary: "No bucket",
			Detail: "The backups would be held nowhere.", Remedy: "Give the plan's buckets as they are, such as values(holdfast_backup_bucket.all)."})
	}
	for i, element := range buckets.Elements() {
		bucket, ok := element.(types.Object)
		if ok && !bucket.IsUnknown() && part[types.String](bucket, "id").IsNull() {
			findings = append(findings, policy.Finding{Field: fmt.Sprintf("guest.backup.buckets[%d].id", i), Summary: "Incomplete bucket", Detail: "It has no id.", Remedy: "Give the bucket as it is, such as holdfast_backup_bucket.a."})
		}
	}
	return findings
}
