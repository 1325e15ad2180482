package google

import (
	"net/http"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// noun is one sort of resource and what shared code has to know of it. *T must
// be a resource.
type noun[T any] struct {
	kind engine.Kind[T]
	// name is the vendor's: "network" of compute#network.
	name string
	// collection is the plural in paths, and variable the path's placeholder
	// for the name: "networks" and "network".
	collection, variable string
	// levels are where such resources live: "global", "regions", "zones".
	levels []string
	// aggregated tells whether there is an aggregatedList.
	aggregated bool
}

// asResource is v as what shared code works on.
func asResource[T any](v *T) resource { return any(v).(resource) }

// ref points at a resource.
func (n noun[T]) ref(v *T) engine.Ref {
	return engine.Ref{Type: n.kind.KindName(), ID: asResource(v).Res().ID}
}

// find is the project's resource of that name, or nil.
func (n noun[T]) find(tx *engine.Tx, project, scope, name string) *T {
	if rows := n.kind.To(tx, project, named(n.collection, scope, name)); len(rows) > 0 {
		return rows[0]
	}
	return nil
}

// get is the resource that the request's path names, or the vendor's notFound.
func (n noun[T]) get(c *call) (*T, error) {
	name := c.vars[n.variable]
	if v := n.find(c.tx, c.project, c.scope, name); v != nil {
		return v, nil
	}
	return nil, notFound("projects/" + c.project + "/" + c.scope + "/" + n.collection + "/" + name)
}

// free is the resource that the request's path names when no operation holds
// it: what every change begins with.
func (n noun[T]) free(c *call) (*T, error) {
	v, err := n.get(c)
	if err != nil {
		return nil, err
	}
	if !asResource(v).Res().Ready || c.tx.Holder(n.ref(v), 0) != nil {
		return nil, notReady(asResource(v))
	}
	return v, nil
}

// edit is a private copy of a record, stored when the request succeeds.
func (n noun[T]) edit(tx *engine.Tx, v *T) *T {
	r := asResource(v).Res()
	return n.kind.Edit(tx, r.Project, r.ID)
}

// insert checks the name, stores v in the request's scope, and begins the
// operation that makes it ready. It fills project, scope and labels' owner in.
func (n noun[T]) insert(c *call, v *T, params any) (any, error) {
	if err := n.add(c, v); err != nil {
		return nil, err
	}
	return n.start(c, "insert", v, params)
}

// add stores v in the request's scope without beginning an operation.
func (n noun[T]) add(c *call, v *T) error {
	r := asResource(v).Res()
	r.Project, r.Scope = c.project, c.scope
	if err := checkName("resource.name", r.Name); err != nil {
		return err
	}
	if n.find(c.tx, c.project, c.scope, r.Name) != nil {
		return alreadyExists(pathOf(asResource(v)))
	}
	n.kind.Insert(c.tx, v)
	return nil
}

// start begins an operation on a resource, which it locks, and answers the
// operation. Its command is "networks.insert" for the verb insert; completions
// and durations go by it.
func (n noun[T]) start(c *call, verb string, v *T, params any) (any, error) {
	r := asResource(v)
	return c.operate(opSpec{Command: n.collection + "." + verb, Type: verb, Scope: r.Res().Scope, Target: pathOf(r),
		TargetID: r.Res().number(), Resource: n.ref(v), Locks: []engine.Ref{n.ref(v)}, Params: params}), nil
}

// reads are the routes get, list and, where there is one, aggregatedList. view is
// the resource as the vendor shows it.
func (n noun[T]) reads(view func(c *call, v *T) any) []*route {
	var out []*route
	for _, level := range n.levels {
		at := scopePath(level) + "/" + n.collection
		out = append(out,
			&route{method: http.MethodGet, path: at + "/{" + n.variable + "}", group: groupRead, do: func(c *call) (any, error) {
				v, err := n.get(c)
				if err != nil {
					return nil, err
				}
				return view(c, v), nil
			}},
			&route{method: http.MethodGet, path: at, group: groupList, do: func(c *call) (any, error) {
				return list(c, n.name, n.rows(c, view, func(r *Resource) bool { return r.Scope == c.scope }))
			}})
	}
	if n.aggregated {
		out = append(out, &route{method: http.MethodGet, path: "projects/{project}/aggregated/" + n.collection, group: groupList,
			do: func(c *call) (any, error) {
				return aggregate(c, n.name, n.collection, n.levels, n.rows(c, view, func(*Resource) bool { return true }))
			}})
	}
	return out
}

// rows are the project's resources that want accepts, ready to be listed.
func (n noun[T]) rows(c *call, view func(c *call, v *T) any, want func(*Resource) bool) []row {
	var out []row
	for _, v := range n.kind.All(c.tx, c.project) {
		if r := asResource(v).Res(); want(r) {
			out = append(out, row{scope: r.Scope, name: r.Name, id: r.ID, labels: r.Labels, view: func() any { return view(c, v) }})
		}
	}
	return out
}

// scopePath is the path of a level: projects/{project}/zones/{zone}.
func scopePath(level string) string {
	switch level {
	case "zones":
		return "projects/{project}/zones/{zone}"
	case "regions":
		return "projects/{project}/regions/{region}"
	}
	return "projects/{project}/global"
}

// inserted completes an insertion: the resource is ready, or gone if the
// operation failed. then, which may be nil, does what else belongs to it.
func inserted[T any](n noun[T], then func(tx *engine.Tx, a *engine.Action, v *T) *engine.ActionError) engine.Completion {
	return engine.Completion{
		OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
			v := n.kind.Edit(tx, a.Project, a.Resources[0].ID)
			if v == nil {
				return nil
			}
			if then != nil {
				if e := then(tx, a, v); e != nil {
					return e
				}
			}
			asResource(v).Res().Ready = true
			return nil
		},
		Failed: func(tx *engine.Tx, a *engine.Action) { n.kind.Delete(tx, a.Resources[0].ID) },
	}
}

// deleted completes a deletion.
func deleted[T any](n noun[T]) engine.Completion {
	return engine.Completion{OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
		n.kind.Delete(tx, a.Resources[0].ID)
		return nil
	}}
}

// changed completes a change: apply gets the parameters that the operation was
// begun with and a private copy of the resource.
func changed[T, P any](n noun[T], apply func(tx *engine.Tx, v *T, params P) *engine.ActionError) engine.Completion {
	return engine.Completion{OK: func(tx *engine.Tx, a *engine.Action) *engine.ActionError {
		var p P
		if len(a.Params) > 0 {
			if err := a.Decode(&p); err != nil {
				return &engine.ActionError{Code: "INTERNAL_ERROR", Message: err.Error()}
			}
		}
		v := n.kind.Edit(tx, a.Project, a.Resources[0].ID)
		if v == nil {
			return nil
		}
		return apply(tx, v, p)
	}}
}
