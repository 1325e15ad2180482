package google

import (
	"context"
	"fmt"
	"slices"
	"strings"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// maxPolled bounds how many operations one poll asks about: their names have
// up to 60 characters and stand in the URL, of which servers accept 8 KiB.
const maxPolled = 100

// operationID names an operation: `global/<name>`, `regions/<region>/<name>`
// or `zones/<zone>/<name>`.
func operationID(op *computepb.Operation) string {
	switch {
	case op.GetZone() != "":
		return "zones/" + lastPart(op.GetZone()) + "/" + op.GetName()
	case op.GetRegion() != "":
		return "regions/" + lastPart(op.GetRegion()) + "/" + op.GetName()
	default:
		return "global/" + op.GetName()
	}
}

// command says what an operation does, so that the waiter learns how long such
// work takes: "insert instances".
func command(op *computepb.Operation) string {
	elements := strings.Split(op.GetTargetLink(), "/")
	if len(elements) < 2 {
		return op.GetOperationType()
	}
	return op.GetOperationType() + " " + elements[len(elements)-2]
}

// begun gives what is to be waited for after a write: nothing if the operation
// has ended, an error if it ended badly. The HTTP status says nothing about
// the latter.
func begun(op *compute.Operation) ([]cloud.Operation, error) {
	if op == nil || op.Proto() == nil {
		return nil, nil
	}
	return pending(op.Proto())
}

func pending(op *computepb.Operation) ([]cloud.Operation, error) {
	if op.GetStatus() == computepb.Operation_DONE || len(op.GetError().GetErrors()) > 0 {
		return nil, operationError(op)
	}
	return []cloud.Operation{{ID: operationID(op), Command: command(op)}}, nil
}

// operationFailure is the error inside a finished operation, before it is
// known what it was for.
type operationFailure struct{ op *computepb.Operation }

func (f *operationFailure) Error() string {
	code, message := f.words()
	return fmt.Sprintf("operation %s failed: %s (%s)", f.op.GetName(), message, code)
}

// words gives the vendor's code and message; several errors are joined.
func (f *operationFailure) words() (code, message string) {
	var messages []string
	for _, e := range f.op.GetError().GetErrors() {
		if code == "" {
			code = e.GetCode()
		}
		if e.GetMessage() != "" && !slices.Contains(messages, e.GetMessage()) {
			messages = append(messages, e.GetMessage())
		}
	}
	if len(messages) == 0 {
		messages = append(messages, "the vendor gave no reason")
		if f.op.GetHttpErrorMessage() != "" {
			messages[0] = f.op.GetHttpErrorMessage()
		}
	}
	return code, strings.Join(messages, "; ")
}

// operationError gives the error of a finished operation; nil if it ended
// well.
func operationError(op *computepb.Operation) error {
	if len(op.GetError().GetErrors()) == 0 && op.GetHttpErrorStatusCode() < 400 {
		return nil
	}
	failure := &operationFailure{op}
	code, message := failure.words()
	failed := &cloud.Error{Cloud: Name, VendorCode: code, Message: message, Err: failure}
	// The driver's project is not known here, but the operation's is.
	(&Driver{project: part(op.GetSelfLink(), "projects")}).explain(failed, 0)
	return failed
}

// wait waits for the operations of a write, in the order in which the vendor
// runs them. What had ended when the write was answered costs nothing.
func (d *Driver) wait(ctx context.Context, operations []cloud.Operation) error {
	if len(operations) == 0 {
		return nil
	}
	defer d.removals.ended(operations)
	return d.waiter.Wait(ctx, operations...)
}

// waitOut waits for the end of operations, well or ill, of which one has failed:
// a Waiter returns at the first failure. What is not named after the object that
// is being made would otherwise be found by the next run, be taken for there,
// and fail behind its back.
func (d *Driver) waitOut(ctx context.Context, operations []cloud.Operation) {
	for _, operation := range operations {
		if err := d.wait(ctx, []cloud.Operation{operation}); ctx.Err() != nil || codeOf(err) == cloud.CodeUnavailable {
			return
		}
	}
}

// done sends a write and waits for its end.
func (d *Driver) done(ctx context.Context, send func(requestID *string) (*compute.Operation, error)) error {
	operations, err := d.write(ctx, send)
	if err != nil {
		return err
	}
	return d.wait(ctx, operations)
}

// MaxOperationsPerPoll implements cloud.OperationPoller.
func (d *Driver) MaxOperationsPerPoll() int { return maxPolled }

// PollOperations implements cloud.OperationPoller with one list of the
// operations of all scopes. What the list does not hold is asked about by
// itself: the list may lag behind. An operation that the API no longer knows
// is reported as done, with cloud.CodeNotFound.
func (d *Driver) PollOperations(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	off, ids, err := d.pollOff(ctx, slices.Compact(slices.Sorted(slices.Values(ids))))
	if err != nil {
		return nil, err
	}
	found := map[string]*computepb.Operation{}
	if len(ids) > 1 {
		names := make([]string, len(ids))
		for i, id := range ids {
			names[i] = lastPart(id)
		}
		listed, missed, err := d.listOperations(ctx, anyOf("name", names))
		if codeOf(err) == cloud.CodeUnavailable && ctx.Err() == nil {
			listed, err = d.listScopes(ctx, ids)
		}
		if err != nil {
			return nil, d.fail(err, "", "", "ask about running operations")
		}
		for _, op := range listed {
			found[operationID(op)] = op
		}
		unknown := 0
		for _, id := range ids {
			if scope := scopeOf(id); missed != nil && missed.has(scope) {
				// Nothing is known of these: they count as running.
				found[id] = unknownOperation(scope, lastPart(id))
				unknown++
			}
		}
		if unknown == len(ids) {
			return nil, d.fail(missed.err(), "", "", "ask about running operations")
		}
	}
	statuses := make([]cloud.OperationStatus, 0, len(ids))
	for _, id := range ids {
		op, ok := found[id]
		if !ok {
			var err error
			op, err = d.readOperation(ctx, id)
			switch {
			case isNotFound(err):
				statuses = append(statuses, forgotten(id))
				continue
			case err != nil:
				return nil, d.fail(err, "", "", "ask about operation "+id)
			}
		}
		statuses = append(statuses, statusOf(id, op))
	}
	return append(off, statuses...), nil
}

// listOperations reads the operations of all scopes that a filter selects, and
// tells which scopes did not answer.
func (d *Driver) listOperations(ctx context.Context, filter string) ([]*computepb.Operation, *scopes, error) {
	list := d.api.globalOperations.AggregatedList(ctx, &computepb.AggregatedListGlobalOperationsRequest{
		Project: d.project, Filter: &filter, MaxResults: new(uint32(maxResults))})
	missed := &scopes{d: d}
	pairs, err := every[*computepb.OperationAggregatedList](missed, list.Next, func() any { return list.Response })
	if err != nil {
		return nil, nil, err
	}
	var found []*computepb.Operation
	for _, pair := range pairs {
		missed.note(pair.Key, pair.Value.GetWarning().GetCode())
		found = append(found, pair.Value.GetOperations()...)
	}
	return found, missed, nil
}

// scopeOf gives the scope in an operation's id.
func scopeOf(id string) string { return strings.TrimSuffix(id, "/"+lastPart(id)) }

// listScopes reads the operations of the given ids scope by scope, so that a
// zone which cannot be reached holds up nobody but those who wait for it.
func (d *Driver) listScopes(ctx context.Context, ids []string) ([]*computepb.Operation, error) {
	scopes := map[string][]string{}
	for _, id := range ids {
		scope := scopeOf(id)
		scopes[scope] = append(scopes[scope], lastPart(id))
	}
	var (
		found []*computepb.Operation
		last  error
	)
	for scope, names := range scopes {
		filter, most := anyOf("name", names), uint32(maxResults)
		var next func() (*computepb.Operation, error)
		switch kind, place, _ := strings.Cut(scope, "/"); kind {
		case "zones":
			next = d.api.zoneOperations.List(ctx, &computepb.ListZoneOperationsRequest{Project: d.project, Zone: place, Filter: &filter, MaxResults: &most}).Next
		case "regions":
			next = d.api.regionOperations.List(ctx, &computepb.ListRegionOperationsRequest{Project: d.project, Region: place, Filter: &filter, MaxResults: &most}).Next
		default:
			next = d.api.globalOperations.List(ctx, &computepb.ListGlobalOperationsRequest{Project: d.project, Filter: &filter, MaxResults: &most}).Next
		}
		listed, err := all(next)
		if err != nil {
			last = err
			// Nothing is known of these: they count as running.
			for _, name := range names {
				found = append(found, unknownOperation(scope, name))
			}
			continue
		}
		found = append(found, listed...)
	}
	if last != nil && len(scopes) == 1 {
		return nil, last
	}
	return found, nil
}

// unknownOperation stands for one of which nothing could be learned.
func unknownOperation(scope, name string) *computepb.Operation {
	op := &computepb.Operation{Name: &name, Status: new(computepb.Operation_RUNNING)}
	switch kind, place, _ := strings.Cut(scope, "/"); kind {
	case "zones":
		op.Zone = &place
	case "regions":
		op.Region = &place
	}
	return op
}

func (d *Driver) readOperation(ctx context.Context, id string) (*computepb.Operation, error) {
	elements := strings.Split(id, "/")
	name := elements[len(elements)-1]
	switch {
	case len(elements) == 3 && elements[0] == "zones":
		return d.api.zoneOperations.Get(ctx, &computepb.GetZoneOperationRequest{Project: d.project, Zone: elements[1], Operation: name})
	case len(elements) == 3 && elements[0] == "regions":
		return d.api.regionOperations.Get(ctx, &computepb.GetRegionOperationRequest{Project: d.project, Region: elements[1], Operation: name})
	case len(elements) == 2 && elements[0] == "global":
		return d.api.globalOperations.Get(ctx, &computepb.GetGlobalOperationRequest{Project: d.project, Operation: name})
	}
	return nil, invalid("", "", fmt.Sprintf("%q is not the id of an operation", id), "")
}

func statusOf(id string, op *computepb.Operation) cloud.OperationStatus {
	status := cloud.OperationStatus{ID: id, Progress: int(op.GetProgress())}
	if op.GetStatus() == computepb.Operation_DONE {
		status.Done, status.Progress, status.Err = true, 100, operationError(op)
	}
	return status
}

func forgotten(id string) cloud.OperationStatus {
	return cloud.OperationStatus{ID: id, Done: true, Err: &cloud.Error{Code: cloud.CodeNotFound, Cloud: Name,
		Message: "the API does not know the operation " + lastPart(id) + " any more"}}
}

// running lists the operations that are at work on an object, or on what
// carries its name and a child's suffix.
func (d *Driver) running(ctx context.Context, native string) ([]cloud.Operation, error) {
	ops, missed, err := d.listOperations(ctx, "(status != DONE)")
	if err != nil {
		return nil, err
	}
	// What did not answer matters where the object may stand.
	if zone := zoneIn(native); zone == "" || missed.has("zones/"+zone) || missed.has("regions/"+regionOf(zone)) {
		if err := missed.err(); err != nil {
			return nil, err
		}
	}
	var found []cloud.Operation
	for _, op := range ops {
		target := lastPart(op.GetTargetLink())
		child := len(target) == len(native)+suffixLength && strings.HasPrefix(target, native+"-")
		if op.GetStatus() != computepb.Operation_DONE && (target == native || child) {
			found = append(found, cloud.Operation{ID: operationID(op), Command: command(op)})
		}
	}
	return found, nil
}
