package google

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Operation is what the vendor's clients see of an engine.Action. Its record
// never changes: how far the work is, the action knows.
type Operation struct {
	engine.Meta
	Scope     string `json:"scope"`
	Type      string `json:"type"`
	Target    string `json:"target"` // path below base
	TargetID  uint64 `json:"target_id"`
	Action    int64  `json:"action"`
	RequestID string `json:"request_id,omitempty"`
	Group     string `json:"group,omitempty"` // operationGroupId
}

var operations = engine.NewKind[Operation]("google_operation")

// requestRef is the index entry by which a repeated request finds its operation.
func requestRef(id string) engine.Ref {
	return engine.Ref{Type: "request " + strings.ToLower(id), ID: 1}
}

// actionRef is the index entry by which the end of an action finds its operation.
func actionRef(id int64) engine.Ref { return engine.Ref{Type: engine.Actions.KindName(), ID: id} }

// Links are the ways on which an operation is found.
func (o *Operation) Links() []engine.Ref {
	out := []engine.Ref{actionRef(o.Action)}
	if o.RequestID != "" {
		out = append(out, requestRef(o.RequestID))
	}
	return out
}

func (o *Operation) path() string {
	return "projects/" + o.Project + "/" + o.Scope + "/operations/" + o.Name
}

// opSpec describes an operation to be begun.
type opSpec struct {
	Command  string // "networks.insert": completions and durations go by it
	Type     string // operationType
	Scope    string // where it lives
	Target   string // path below base of what it works on
	TargetID uint64
	Resource engine.Ref
	Locks    []engine.Ref // held until it ends
	Params   any          // what its completion needs
	After    int64        // an action that has to succeed first
	Group    string       // operationGroupId of bulk insertions
}

// operate begins an operation and answers its view.
func (c *call) operate(s opSpec) *operationView { return c.viewOperation(c.begin(s)) }

// begin begins an operation. The first one of a request keeps the request's id.
func (c *call) begin(s opSpec) *Operation {
	a := c.tx.StartAction(engine.ActionSpec{Cloud: Cloud, Project: c.project, Command: s.Command, Params: s.Params,
		Resources: []engine.Ref{s.Resource}, Locks: s.Locks, After: s.After})
	o := &Operation{Scope: s.Scope, Type: s.Type, Target: s.Target, TargetID: s.TargetID, Action: a.ID,
		RequestID: c.requestID, Group: s.Group}
	c.requestID = ""
	o.Project, o.ID = c.project, a.ID
	// The vendor's form; the third part is the record's id, so that it is found
	// by its name.
	o.Name = fmt.Sprintf("operation-%d-%013x-%08x-%08x", c.tx.Now().UnixMilli(), a.ID,
		uint32(a.ID)*2654435761, uint32(c.tx.Now().UnixMicro()))
	return operations.Insert(c.tx, o)
}

// repeated is the operation of an earlier request with the same requestId, or
// nil. The vendor then ignores the repetition.
func (c *call) repeated() (*Operation, error) {
	id := c.query().Get("requestId")
	if id == "" {
		return nil, nil
	}
	if !uuidPattern.MatchString(id) || strings.Trim(id, "0-") == "" {
		return nil, invalid("requestId", id, "Must be a valid non-zero UUID.")
	}
	if earlier := operations.To(c.tx, c.project, requestRef(id)); len(earlier) > 0 {
		return earlier[0], nil
	}
	c.requestID = id
	return nil, nil
}

type operationView struct {
	Kind                string     `json:"kind"`
	ID                  uint64     `json:"id,string"`
	Name                string     `json:"name"`
	OperationType       string     `json:"operationType"`
	TargetLink          string     `json:"targetLink"`
	TargetID            uint64     `json:"targetId,string"`
	Status              string     `json:"status"`
	User                string     `json:"user"`
	Progress            int        `json:"progress"`
	InsertTime          string     `json:"insertTime"`
	StartTime           string     `json:"startTime,omitempty"`
	EndTime             string     `json:"endTime,omitempty"`
	Error               *opErrors  `json:"error,omitempty"`
	HTTPErrorStatusCode int        `json:"httpErrorStatusCode,omitempty"`
	HTTPErrorMessage    string     `json:"httpErrorMessage,omitempty"`
	Zone                string     `json:"zone,omitempty"`
	Region              string     `json:"region,omitempty"`
	SelfLink            string     `json:"selfLink"`
	OperationGroupID    string     `json:"operationGroupId,omitempty"`
	Warnings            []struct{} `json:"warnings,omitempty"`
}

type opErrors struct {
	Errors []opError `json:"errors"`
}

type opError struct {
	Code         string           `json:"code"`
	Message      string           `json:"message"`
	ErrorDetails []map[string]any `json:"errorDetails,omitempty"`
}

// statusOfCode is the HTTP status that the vendor notes in an operation that
// failed with a code. Of codes that are not named here it notes none, as happens
// with the vendor too: clients must look at the error itself.
var statusOfCode = map[string]int{
	"QUOTA_EXCEEDED":                               http.StatusForbidden,
	"RESOURCE_IN_USE_BY_ANOTHER_RESOURCE":          http.StatusBadRequest,
	"RESOURCE_ALREADY_EXISTS":                      http.StatusConflict,
	"RESOURCE_NOT_FOUND":                           http.StatusNotFound,
	"RESOURCE_NOT_READY":                           http.StatusBadRequest,
	"INVALID_USAGE":                                http.StatusBadRequest,
	"INVALID_FIELD_VALUE":                          http.StatusBadRequest,
	"IP_IN_USE_BY_ANOTHER_RESOURCE":                http.StatusBadRequest,
	"IP_SPACE_EXHAUSTED":                           http.StatusBadRequest,
	"IP_SPACE_EXHAUSTED_WITH_DETAILS":              http.StatusBadRequest,
	"CONDITION_NOT_MET":                            http.StatusPreconditionFailed,
	"INTERNAL_ERROR":                               http.StatusInternalServerError,
	"ZONE_RESOURCE_POOL_EXHAUSTED":                 http.StatusServiceUnavailable,
	"ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS":    http.StatusServiceUnavailable,
	"PERMISSIONS_ERROR":                            http.StatusForbidden,
	"KMS_RESOURCE_NOT_FOUND":                       http.StatusBadRequest,
	"UNSUPPORTED_OPERATION":                        http.StatusBadRequest,
	"RESOURCE_OPERATION_RATE_EXCEEDED":             http.StatusForbidden,
	"ZONE_RESOURCE_POOL_EXHAUSTED_TRY_ANOTHER_ONE": http.StatusServiceUnavailable,
}

func (c *call) viewOperation(o *Operation) *operationView {
	v := &operationView{Kind: "compute#operation", ID: 2_000_000_000_000_000_000 + uint64(o.ID), Name: o.Name,
		OperationType: o.Type, TargetLink: base + o.Target, TargetID: o.TargetID, User: "operator@" + o.Project + ".iam.gserviceaccount.com",
		InsertTime: stamp(o.Created), SelfLink: base + o.path(), OperationGroupID: o.Group, Status: "PENDING"}
	if z, ok := strings.CutPrefix(o.Scope, "zones/"); ok {
		v.Zone = base + "projects/" + o.Project + "/zones/" + z
	} else if r, ok := strings.CutPrefix(o.Scope, "regions/"); ok {
		v.Region = base + "projects/" + o.Project + "/regions/" + r
	}
	a := engine.Actions.Get(c.tx, o.Project, o.Action)
	if a == nil { // deleted with it, never alone
		v.Status, v.Progress = "DONE", 100
		return v
	}
	v.Progress = a.Progress(c.tx.Now())
	if a.Status != engine.Running {
		v.Status, v.StartTime, v.EndTime = "DONE", stamp(a.Begun), stamp(a.Finished)
	} else if begun := started(a); !begun.IsZero() && !c.tx.Now().Before(begun) {
		v.Status, v.StartTime = "RUNNING", stamp(begun)
	} else {
		v.Progress = 0
	}
	if a.Error != nil {
		code, message := a.Error.Code, a.Error.Message
		if code == "action_failed" { // a fault that names no code of the vendor's
			code, message = "INTERNAL_ERROR", fmt.Sprintf("Internal error. Please try again or contact Google Support. (Code: '%d')", v.ID)
		}
		v.Error = &opErrors{Errors: []opError{{Code: code, Message: message, ErrorDetails: a.Error.Details}}}
		if status := statusOfCode[code]; status != 0 {
			v.HTTPErrorStatusCode, v.HTTPErrorMessage = status, strings.ToUpper(http.StatusText(status))
		}
	}
	return v
}

// started is when an operation stopped to be pending: after a tenth of its time,
// a second at most.
func started(a *engine.Action) time.Time {
	if a.Begun.IsZero() {
		return a.Begun
	}
	return a.Begun.Add(min(a.Duration/10, time.Second))
}

func operationModule() module {
	var all []*route
	for _, level := range []string{global, "regions", "zones"} {
		at := scopePath(level) + "/operations"
		all = append(all,
			&route{method: http.MethodGet, path: at + "/{operation}", group: groupOperations, do: getOperation},
			&route{method: http.MethodPost, path: at + "/{operation}/wait", group: groupOperations, waits: true, do: waitOperation},
			&route{method: http.MethodDelete, path: at + "/{operation}", do: deleteOperation},
			&route{method: http.MethodGet, path: at, group: groupOperations, do: func(c *call) (any, error) {
				return list(c, "operation", operationRows(c, func(o *Operation) bool { return o.Scope == c.scope }))
			}})
	}
	all = append(all, &route{method: http.MethodGet, path: "projects/{project}/aggregated/operations", group: groupOperations,
		do: func(c *call) (any, error) {
			return aggregate(c, "operation", "operations", []string{global, "regions", "zones"}, operationRows(c, func(*Operation) bool { return true }))
		}})
	return module{kinds: []engine.AnyKind{operations}, routes: all}
}

func operationRows(c *call, want func(*Operation) bool) []row {
	var out []row
	for _, o := range operations.All(c.tx, c.project) {
		if want(o) {
			out = append(out, row{scope: o.Scope, name: o.Name, id: o.ID, view: func() any { return c.viewOperation(o) }})
		}
	}
	return out
}

// findOperation is the operation in the request's path.
func findOperation(c *call) (*Operation, error) {
	name := c.vars["operation"]
	var found *Operation
	if parts := strings.Split(name, "-"); len(parts) == 5 {
		if id, err := strconv.ParseInt(parts[2], 16, 64); err == nil {
			found = operations.Get(c.tx, c.project, id)
		}
	}
	if found == nil || found.Name != name || found.Scope != c.scope {
		return nil, notFound("projects/" + c.project + "/" + c.scope + "/operations/" + name)
	}
	return found, nil
}

func getOperation(c *call) (any, error) {
	o, err := findOperation(c)
	if err != nil {
		return nil, err
	}
	return c.viewOperation(o), nil
}

// waitOperation answers once the operation is done, or after waitLimit.
func waitOperation(c *call) (any, error) {
	o, err := findOperation(c)
	if err != nil {
		return nil, err
	}
	if a := engine.Actions.Get(c.tx, c.project, o.Action); a != nil && a.Status == engine.Running {
		c.pending, c.due = true, c.tx.Now().Add(waitLimit)
		if !a.Begun.IsZero() && !a.Stuck {
			c.due = a.Begun.Add(a.Duration)
		}
	}
	return c.viewOperation(o), nil
}

// deleteOperation forgets an operation that is over. The description says that
// the answer is empty; the vendor's Go client cannot read less than an object.
func deleteOperation(c *call) (any, error) {
	o, err := findOperation(c)
	if err != nil {
		return nil, err
	}
	if a := engine.Actions.Get(c.tx, c.project, o.Action); a != nil && a.Status == engine.Running {
		return nil, fail(http.StatusBadRequest, "resourceNotReady", "The resource '%s' is not ready", o.path())
	}
	engine.Actions.Delete(c.tx, o.Action)
	operations.Delete(c.tx, o.ID)
	return struct{}{}, nil
}
