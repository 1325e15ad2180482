package service

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// recordKey is the key of Record in the private state.
const recordKey = "holdfast"

// Record is kept in the private state beside every object. Terraform plans a
// replacement in two calls; the second has no prior state, but the private
// state that the first planned: so a call without prior state but with a
// record is a replacement, also when -replace or replace_triggered_by asked
// for it.
type Record struct {
	// ID is the object's.
	ID string `json:"id,omitempty"`
	// Protected is its deletion protection.
	Protected bool `json:"protected,omitempty"`
	// NativeName is the vendor-side name, so that an update knows it without
	// asking.
	NativeName string `json:"native_name,omitempty"`
	// Told is what was last declared of what others can change.
	Told told `json:"told,omitempty"`
	// Next is what an update that has not ended well was to make of it.
	Next told `json:"next,omitempty"`
}

// privateGetter and privateSetter are the framework's private state, whose
// type is not exported.
type privateGetter interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateSetter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// readRecord gives the zero record where none was written.
func readRecord(ctx context.Context, private privateGetter, diags *diag.Diagnostics) Record {
	var record Record
	data, more := private.GetKey(ctx, recordKey)
	diags.Append(more...)
	if len(data) == 0 {
		return record
	}
	if err := json.Unmarshal(data, &record); err != nil {
		diags.AddError("Unreadable private state", "The private state of this object is not what Holdfast wrote: "+err.Error())
	}
	return record
}

func writeRecord(ctx context.Context, private privateSetter, record Record, diags *diag.Diagnostics) {
	data, err := json.Marshal(record)
	if err != nil {
		diags.AddError("Private state not written", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, recordKey, data)...)
}
