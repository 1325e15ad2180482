package hetzner

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

type actionView struct {
	ID        int64               `json:"id"`
	Command   string              `json:"command"`
	Status    string              `json:"status"`
	Progress  int                 `json:"progress"`
	Started   timestamp           `json:"started"`
	Finished  timestamp           `json:"finished"`
	Resources []engine.Ref        `json:"resources"`
	Error     *engine.ActionError `json:"error"`
}

func (c *call) viewAction(a *engine.Action) actionView {
	return actionView{ID: a.ID, Command: a.Command, Status: a.Status, Progress: a.Progress(c.tx.Now()),
		Started: timestamp(a.Created), Finished: timestamp(a.Finished), Resources: list(a.Resources), Error: a.Error}
}

// actionAnswer is the answer of most operations that take time.
func (c *call) actionAnswer(a *engine.Action) (any, error) {
	return map[string]any{"action": c.viewAction(a)}, nil
}

// start begins an action of the request's project that concerns the given
// resources, all of which it locks.
func (c *call) start(command string, params any, resources ...engine.Ref) *engine.Action {
	return c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: command, Params: params,
		Resources: resources, Locks: resources})
}

// instant makes an action that is over at once and locks nothing.
func (c *call) instant(command string, params any, resources ...engine.Ref) *engine.Action {
	return c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: command, Params: params,
		Resources: resources, Instant: true})
}

var actionOrders = map[string]order[*engine.Action]{
	"id":       by(func(a *engine.Action) int64 { return a.ID }),
	"command":  by(func(a *engine.Action) string { return a.Command }),
	"status":   by(func(a *engine.Action) string { return a.Status }),
	"started":  byTime(func(a *engine.Action) time.Time { return a.Created }),
	"finished": byTime(func(a *engine.Action) time.Time { return a.Finished }),
}

func (a *API) actionRoutes() []*route {
	return []*route{
		{method: http.MethodGet, path: "/actions", do: listActionsByID, poll: true},
		{method: http.MethodGet, path: "/actions/{id}", poll: true, do: func(c *call) (any, error) {
			return c.oneAction(c.id(), func(*engine.Action) bool { return true })
		}},
	}
}

// resourceActionRoutes are the four ways to read the actions of a noun.
func resourceActionRoutes[T any](noun string, k engine.Kind[T]) []*route {
	ofKind := func(a *engine.Action) bool {
		return slices.ContainsFunc(a.Resources, func(r engine.Ref) bool { return r.Type == k.KindName() })
	}
	ofObject := func(c *call) (func(*engine.Action) bool, error) {
		if _, err := mustGet(c, k); err != nil {
			return nil, err
		}
		r := engine.Ref{Type: k.KindName(), ID: c.id()}
		return func(a *engine.Action) bool { return slices.Contains(a.Resources, r) }, nil
	}
	return []*route{
		{method: http.MethodGet, path: "/" + noun + "/actions", poll: true, do: func(c *call) (any, error) {
			return c.listActions(ofKind)
		}},
		{method: http.MethodGet, path: "/" + noun + "/actions/{id}", poll: true, do: func(c *call) (any, error) {
			return c.oneAction(c.id(), ofKind)
		}},
		{method: http.MethodGet, path: "/" + noun + "/{id}/actions", poll: true, do: func(c *call) (any, error) {
			want, err := ofObject(c)
			if err != nil {
				return nil, err
			}
			return c.listActions(want)
		}},
		{method: http.MethodGet, path: "/" + noun + "/{id}/actions/{action_id}", poll: true, do: func(c *call) (any, error) {
			want, err := ofObject(c)
			if err != nil {
				return nil, err
			}
			return c.oneAction(c.ids["action_id"], want)
		}},
	}
}

func (c *call) oneAction(id int64, want func(*engine.Action) bool) (any, error) {
	a, err := lookup(c, engine.Actions, id)
	if err != nil {
		return nil, err
	}
	if !want(a) {
		return nil, notFound("action", id)
	}
	return c.actionAnswer(a)
}

func (c *call) listActions(want func(*engine.Action) bool) (any, error) {
	status, err := c.allowed("status", engine.Running, engine.Success, engine.Failed)
	if err != nil {
		return nil, err
	}
	ids, err := c.actionIDs()
	if err != nil {
		return nil, err
	}
	var rows []*engine.Action
	for _, a := range engine.Actions.All(c.tx, c.project) {
		if want(a) && (len(status) == 0 || slices.Contains(status, a.Status)) && (len(ids) == 0 || slices.Contains(ids, a.ID)) {
			rows = append(rows, a)
		}
	}
	return page(c, "actions", rows, actionOrders, c.viewAction)
}

func (c *call) actionIDs() ([]int64, error) {
	var ids []int64
	for _, s := range c.query()["id"] {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil || id < 1 {
			return nil, invalid("id", "must be a positive integer")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// listActionsByID answers the actions that were asked for; those that do not
// exist are left out. Without ids it is the operation that the vendor removed
// on 2025-01-30.
func listActionsByID(c *call) (any, error) {
	ids, err := c.actionIDs()
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		e := fail("deprecated_api_endpoint", "listing arbitrary actions is not supported anymore")
		e.Details = map[string]any{"announcement": "https://docs.hetzner.cloud/changelog#2023-07-20-actions-list-endpoint-is-deprecated"}
		return nil, e
	}
	slices.Sort(ids)
	var rows []*engine.Action
	for _, id := range slices.Compact(ids) {
		if a := engine.Actions.Get(c.tx, c.project, id); a != nil {
			rows = append(rows, a)
		}
	}
	return page(c, "actions", rows, actionOrders, c.viewAction)
}
