package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// alone judges what needs no environment: everything but the places.
func alone(m *model, now time.Time) []policy.Finding {
	var findings []policy.Finding
	if service.Known(m.Name) {
		findings = append(findings, policy.CheckName("name", m.Name.ValueString())...)
	}
	of, _ := policy.CheckBackupPlan(facts(m, nil), now)
	findings = append(findings, of...)
	retention, retentionKnown := keep(m.Retention).Get()
	buckets, _ := bucketsOf(m.Buckets)
	for i, b := range buckets {
		field := fmt.Sprintf("buckets[%d]", i)
		findings = append(findings, b.check(field)...)
		if retentionKnown && !b.ImmutableDays.IsNull() && !b.ImmutableDays.IsUnknown() {
			findings = append(findings, policy.CheckImmutableDays(field+".immutable_days", b.ImmutableDays.ValueInt64(), retention)...)
		}
	}
	if !m.Protects.IsUnknown() && !m.Protects.IsNull() && len(m.Protects.Elements()) == 0 {
		findings = append(findings, policy.Finding{Promise: policy.DR2, Field: "protects", Summary: "Nothing is protected",
			Detail: "Whether a bucket is lost together with what it protects can only be told of known locations.", Remedy: "Name the locations of the machines, stand-bys included."})
	}
	return findings
}

// facts gives to package policy what is known of a plan. Of the locations that
// it protects, those that are known suffice: another one can only add to what
// is wrong.
func facts(m *model, protected []catalog.Entry) policy.BackupPlan {
	return policy.BackupPlan{Schedule: service.OptText(m.Schedule), Zone: service.OptText(m.TimeZone), Protected: policy.Known(protected),
		Keep: keep(m.Retention), RPOHours: rpo(m.RPOHours)}
}

// check judges the form of what is known of one bucket.
func (b bucket) check(field string) []policy.Finding {
	remedy := "Give the bucket as it is, such as holdfast_backup_bucket.a, or an object with its id, location and immutable_days."
	var findings []policy.Finding
	for _, needed := range []struct {
		name string
		null bool
	}{{"id", b.ID.IsNull()}, {"location", b.Location.IsNull()}} {
		if needed.null {
			findings = append(findings, policy.Finding{Field: field + "." + needed.name, Summary: "Incomplete bucket", Detail: "It has no " + needed.name + ".", Remedy: remedy})
		}
	}
	if len(findings) > 0 || !service.Known(b.ID) {
		return findings
	}
	id, err := cloud.ParseID(b.ID.ValueString())
	switch {
	case err != nil:
		return []policy.Finding{{Field: field + ".id", Summary: "Not a bucket's id", Detail: err.Error() + ".", Remedy: remedy}}
	case service.Known(b.Location) && b.Location.ValueString() != id.Location.String():
		return []policy.Finding{{Field: field + ".location", Summary: "Another location than the bucket's",
			Detail: fmt.Sprintf("%s stands in %s, not in %s.", id, id.Location, b.Location.ValueString()), Remedy: remedy}}
	}
	return nil
}

// judge reports what is wrong with a plan, as far as it is known, and what is
// degraded by lost locations.
func (p *plan) judge(m, prior *model, diags *diag.Diagnostics) {
	service.Report(diags, alone(m, p.now())...)
	protected := p.entries(m, diags)
	if diags.HasError() {
		return // what follows would only repeat it
	}
	findings, _ := policy.CheckBackupPlan(facts(m, protected), p.now())
	set, known := p.set(m, protected, diags)
	if known && !diags.HasError() {
		findings = append(findings, onBuckets(backup.CheckSet(set, p.env.Catalog).Findings)...)
		p.degraded(m, set, diags)
	}
	if prior == nil || p.env.Lost.Empty() || !onlyMoved(prior, m) {
		service.Report(diags, findings...)
		return
	}
	var accepted diag.Diagnostics
	service.Report(&accepted, findings...)
	for _, d := range accepted {
		const while = "This is accepted while there are lost_locations, so that a failover goes on; it is an error again when they are back."
		if at, ok := d.(diag.DiagnosticWithPath); ok {
			diags.AddAttributeWarning(at.Path(), d.Summary(), d.Detail()+"\n\n"+while)
		} else {
			diags.AddWarning(d.Summary(), d.Detail()+"\n\n"+while)
		}
	}
}

// onlyMoved tells whether a plan differs from the one before in what it
// protects, if at all: a failover moves machines, not buckets.
func onlyMoved(prior, m *model) bool {
	return prior.Schedule.Equal(m.Schedule) && prior.TimeZone.Equal(m.TimeZone) && prior.Retention.Equal(m.Retention) &&
		prior.RPOHours.Equal(m.RPOHours) && prior.Buckets.Equal(m.Buckets)
}

// onBuckets gives the findings of package backup the attribute's name.
func onBuckets(findings []policy.Finding) []policy.Finding {
	for i := range findings {
		findings[i].Field = "buckets"
	}
	return findings
}

// entries looks up the known locations that a plan protects.
func (p *plan) entries(m *model, diags *diag.Diagnostics) []catalog.Entry {
	texts, _ := service.KnownStrings(m.Protects)
	slices.Sort(texts)
	var entries []catalog.Entry
	for _, text := range texts {
		entry, problem := p.lookup(text)
		if problem != nil {
			diags.AddAttributeError(path.Root("protects"), "Not a location", problem.Error())
			continue
		}
		entries = append(entries, entry)
	}
	return entries
}

func (p *plan) lookup(text string) (catalog.Entry, error) {
	location, err := cloud.ParseLocation(text)
	if err != nil {
		return catalog.Entry{}, err
	}
	return p.env.Catalog.Lookup(location)
}

// set gives the buckets to package backup, false while nobody knows how many
// there are. A bucket of which the place is unknown may stand anywhere; one of
// which it is unknown whether it is immutable may be so.
func (p *plan) set(m *model, protected []catalog.Entry, diags *diag.Diagnostics) (backup.Set, bool) {
	buckets, known := bucketsOf(m.Buckets)
	set := backup.Set{Protected: protected, Lost: p.env.Lost}
	for i, b := range buckets {
		if !service.Known(b.Location) {
			set.Unknown++
			continue
		}
		entry, err := p.lookup(b.Location.ValueString())
		if err != nil {
			diags.AddAttributeError(path.Root("buckets").AtListIndex(i).AtName("location"), "Not a location", err.Error())
			continue
		}
		id := fmt.Sprintf("#%d", i) // not created yet: none of the others
		if service.Known(b.ID) {
			id = b.ID.ValueString()
		}
		set.Buckets = append(set.Buckets, backup.Bucket{ID: id, Place: entry, Immutable: b.ImmutableDays.IsUnknown() || b.ImmutableDays.ValueInt64() > 0})
	}
	return set, known
}

// degraded warns of buckets in lost locations, and of what does not hold
// without them.
func (p *plan) degraded(m *model, set backup.Set, diags *diag.Diagnostics) {
	var lost []string
	left := set
	left.Buckets = nil
	for _, b := range set.Buckets {
		if p.env.Lost.Contains(b.Place.Location) {
			lost = append(lost, b.Place.Location.String())
		} else {
			left.Buckets = append(left.Buckets, b)
		}
	}
	if len(lost) == 0 {
		return
	}
	text := fmt.Sprintf("The plan has buckets in lost locations (%s), which count as missing: %d of %d can be used.",
		strings.Join(lost, ", "), len(left.Buckets)+set.Unknown, len(set.Buckets)+set.Unknown)
	verdict := backup.CheckSet(left, p.env.Catalog)
	for _, f := range verdict.Findings {
		text += fmt.Sprintf("\n\n%s (%s): %s", f.Summary, f.Promise, f.Detail)
	}
	if len(verdict.Findings) > 0 {
		text += "\n\nIf the locations do not come back: " + verdict.Mend.String()
	} else {
		text += " What is left still keeps what is promised about places."
	}
	diags.AddAttributeWarning(path.Root("buckets"), fmt.Sprintf("Backups of the plan %q are degraded", m.Name.ValueString()), text)
}
