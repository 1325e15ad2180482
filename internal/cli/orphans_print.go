package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/orphans"
)

// orphansReport is what `holdfast orphans --json` prints.
type orphansReport struct {
	Deployment string       `json:"deployment"`
	Orphans    []orphanLine `json:"orphans"`
	// LeftOut are lost locations, NoAccess clouds without an account.
	LeftOut  []string `json:"left_out"`
	NoAccess []string `json:"no_access"`
	// NoBuckets are clouds that were asked, but not for their buckets.
	NoBuckets []string `json:"no_buckets"`
	// refusals and bucketRefusals say why there is no access.
	refusals, bucketRefusals []error
}

type orphanLine struct {
	ID         string `json:"id"`
	Kind       string `json:"kind"`
	Location   string `json:"location"`
	Name       string `json:"name"`
	Tenant     string `json:"tenant,omitempty"`
	Tier       string `json:"tier,omitempty"`
	NativeID   string `json:"native_id"`
	NativeName string `json:"native_name"`
	// Created is RFC 3339.
	Created   string `json:"created,omitempty"`
	Protected bool   `json:"protected"`
	// Deleted tells whether --delete removed it; if it did not, Kept says why.
	Deleted bool   `json:"deleted"`
	Kept    string `json:"kept,omitempty"`
}

// report makes the report; outcomes are nil where nothing was to be deleted,
// and otherwise in the order of the orphans.
func report(deployment string, answer orphans.Answer, outcomes []orphans.Outcome) orphansReport {
	r := orphansReport{Deployment: deployment, Orphans: []orphanLine{}, LeftOut: answer.LeftOut, NoAccess: answer.NoAccess, refusals: answer.Refusals,
		NoBuckets: answer.NoBuckets, bucketRefusals: answer.BucketRefusals}
	for i, o := range answer.Orphans {
		line := orphanLine{ID: o.ID.String(), Kind: string(o.Kind), Location: o.ID.Location.String(), Name: o.Name, Tenant: o.Tenant, Tier: string(o.Tier),
			NativeID: o.ID.Native, NativeName: o.NativeName, Protected: o.Protected}
		if !o.Created.IsZero() {
			line.Created = o.Created.UTC().Format(time.RFC3339)
		}
		if outcomes != nil {
			line.Deleted, line.Kept = outcomes[i].Kept == "", outcomes[i].Kept
		}
		r.Orphans = append(r.Orphans, line)
	}
	return r
}

// left counts the orphans that still exist.
func (r orphansReport) left() int {
	n := 0
	for _, line := range r.Orphans {
		if !line.Deleted {
			n++
		}
	}
	return n
}

func (r orphansReport) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// writeTable prints what was found, and what was not looked at.
func (r orphansReport) writeTable(out io.Writer) error {
	if len(r.Orphans) > 0 {
		t := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
		fmt.Fprintln(t, "KIND\tNAME\tTENANT\tCREATED\tPROTECTED\tID")
		for _, line := range r.Orphans {
			created, _, _ := strings.Cut(line.Created, "T")
			protected := ""
			if line.Protected {
				protected = "yes"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", line.Kind, line.Name, cmp.Or(line.Tenant, "-"), cmp.Or(created, "-"), cmp.Or(protected, "-"), line.ID)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "%s of the deployment %s that the state does not own.\n", counted(len(r.Orphans)), r.Deployment)
	if len(r.LeftOut) > 0 {
		fmt.Fprintf(out, "Left out, being lost: %s.\n", strings.Join(r.LeftOut, ", "))
	}
	for _, refusal := range r.refusals {
		fmt.Fprintf(out, "Not asked: %s.\n", refusal)
	}
	for _, refusal := range r.bucketRefusals {
		fmt.Fprintf(out, "Not asked for buckets: %s.\n", refusal)
	}
	return nil
}

func counted(n int) string {
	switch n {
	case 0:
		return "No object"
	case 1:
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}
