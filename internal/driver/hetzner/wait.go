package hetzner

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// wait waits for the actions of one write, in the order in which the vendor
// runs them. What had ended when the write was answered costs nothing.
func (d *Driver) wait(ctx context.Context, actions []*hcloud.Action) error {
	var operations []cloud.Operation
	for _, action := range actions {
		switch {
		case action == nil || action.ID == 0 || action.Status == hcloud.ActionStatusSuccess:
		case action.Status == hcloud.ActionStatusError:
			return actionFailed(action)
		default:
			operations = append(operations, cloud.Operation{ID: native(action.ID), Command: action.Command})
		}
	}
	if len(operations) == 0 {
		return nil
	}
	return d.waiter.Wait(ctx, operations...)
}

func actionFailed(action *hcloud.Action) error {
	message := action.ErrorMessage
	if message == "" {
		message = "the vendor gave no reason"
	}
	return &cloud.Error{Code: cloud.CodeOperationFailed, Cloud: Name, VendorCode: action.ErrorCode,
		Message: fmt.Sprintf("action %s (%d) failed: %s", action.Command, action.ID, message), Err: action.Error()}
}

// defaultPerPage is the page length when a request names none. GET /actions
// documents only its ids; if it should ignore per_page, an answer of exactly
// this length may be cut off.
const defaultPerPage = 25

// MaxOperationsPerPoll implements cloud.OperationPoller.
func (d *Driver) MaxOperationsPerPoll() int { return perPage }

// PollOperations implements cloud.OperationPoller with GET /actions for
// actions and with a list of the VMs for new VMs. An action that the API no
// longer knows is reported as done, with cloud.CodeNotFound.
func (d *Driver) PollOperations(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	offs, ids := splitOff(ids)
	watched, actions := splitWatches(ids)
	statuses, err := d.pollWatches(ctx, watched)
	if err != nil {
		return nil, err
	}
	off, err := d.pollOff(ctx, offs)
	if err != nil {
		return nil, err
	}
	more, err := d.pollActions(ctx, actions)
	return slices.Concat(statuses, off, more), err
}

func (d *Driver) pollActions(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	options := hcloud.ActionListOpts{ListOpts: hcloud.ListOpts{PerPage: perPage}}
	for _, text := range ids {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Doing: "ask about action " + text, Message: "it is not a number", Err: err}
		}
		options.ID = append(options.ID, id)
	}
	actions, resp, err := d.client.Action.List(ctx, options)
	if err != nil {
		failed := fail(answered(resp, err), "", "", "ask about running actions")
		if cloud.IsNotFound(failed) {
			return d.pollHalves(ctx, ids)
		}
		return nil, failed
	}
	found := make(map[int64]*hcloud.Action, len(actions))
	for _, action := range actions {
		found[action.ID] = action
	}
	cutOff := len(actions) == defaultPerPage && len(ids) > defaultPerPage
	statuses := make([]cloud.OperationStatus, 0, len(ids))
	for i, id := range options.ID {
		action, ok := found[id]
		switch {
		case ok:
			statuses = append(statuses, statusOf(action))
		case cutOff:
			statuses = append(statuses, cloud.OperationStatus{ID: ids[i]})
		default:
			statuses = append(statuses, forgotten(ids[i]))
		}
	}
	return statuses, nil
}

// pollHalves finds out which id of a refused batch the API does not know.
func (d *Driver) pollHalves(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	if len(ids) == 1 {
		return []cloud.OperationStatus{forgotten(ids[0])}, nil
	}
	first, err := d.pollActions(ctx, ids[:len(ids)/2])
	if err != nil {
		return nil, err
	}
	second, err := d.pollActions(ctx, ids[len(ids)/2:])
	return append(first, second...), err
}

func statusOf(action *hcloud.Action) cloud.OperationStatus {
	status := cloud.OperationStatus{ID: native(action.ID), Progress: action.Progress}
	switch action.Status {
	case hcloud.ActionStatusRunning:
	case hcloud.ActionStatusError:
		status.Done, status.Err = true, actionFailed(action)
	default:
		status.Done, status.Progress = true, 100
	}
	return status
}

func forgotten(id string) cloud.OperationStatus {
	return cloud.OperationStatus{ID: id, Done: true, Err: &cloud.Error{Code: cloud.CodeNotFound, Cloud: Name,
		Message: "the API does not know the action " + id + " any more"}}
}
