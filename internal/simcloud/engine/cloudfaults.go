package engine

import "slices"

// CloudFaults are the faults as one cloud sees them.
type CloudFaults struct {
	all   *Faults
	cloud string
}

// In are the faults that concern a cloud: its own, and those that name none.
func (f *Faults) In(cloud string) CloudFaults { return CloudFaults{all: f, cloud: cloud} }

// Request answers the faults that strike a request, in the order in which they
// were added; of those that end the request (an error, a drop, a refusal) only
// the first.
func (f CloudFaults) Request(method, path string) []Fault {
	ended := false
	return f.strike(func(a *armed) bool {
		switch a.Kind {
		case FaultDelay:
		case FaultError, FaultDropBefore, FaultDropAfter, FaultRateLimit:
			if ended {
				return false
			}
		default:
			return false
		}
		return (a.method == nil || a.method.MatchString(method)) && (a.path == nil || a.path.MatchString(path))
	}, func(a *armed) { ended = ended || a.Kind != FaultDelay })
}

// Unreachable is the fault that makes the whole cloud unreachable, or nil.
func (f CloudFaults) Unreachable() *Fault {
	return first(f.strike(func(a *armed) bool {
		return a.Kind == FaultLocationLost && a.Cloud != "" && a.Location == ""
	}, nil))
}

// Capacity is the fault that keeps a server of that type from being placed in
// the location, or nil.
func (f CloudFaults) Capacity(serverType, location string) *Fault {
	return first(f.strike(func(a *armed) bool {
		return a.Kind == FaultCapacity && (a.ServerType == "" || a.ServerType == serverType) &&
			(a.Location == "" || a.Location == location)
	}, nil))
}

// Lost is the fault that makes the location unreachable, or nil.
func (f CloudFaults) Lost(location string) *Fault {
	return first(f.strike(func(a *armed) bool {
		return a.Kind == FaultLocationLost && (a.Location == "" || a.Location == location)
	}, nil))
}

// Stolen is how many requests a second are taken from the limit.
func (f CloudFaults) Stolen() (perSecond float64) {
	for _, x := range f.strike(func(a *armed) bool { return a.Kind == FaultQuota }, nil) {
		perSecond += x.TokensPerSecond
	}
	return perSecond
}

// action decides the fate of an action of that command.
func (f CloudFaults) action(command string) (stuck bool, doomed *ActionError) {
	x := first(f.strike(func(a *armed) bool {
		return (a.Kind == FaultActionFailed || a.Kind == FaultActionStuck) &&
			(a.command == nil || a.command.MatchString(command))
	}, nil))
	switch {
	case x == nil:
		return false, nil
	case x.Kind == FaultActionStuck:
		return true, nil
	}
	e := &ActionError{Code: "action_failed", Message: "Action failed"}
	if x.Code != "" {
		e.Code = x.Code
	}
	if x.Message != "" {
		e.Message = x.Message
	}
	return false, e
}

func (f CloudFaults) strike(match func(*armed) bool, struck func(*armed)) []Fault {
	return f.all.strike(func(a *armed) bool { return (a.Cloud == "" || a.Cloud == f.cloud) && match(a) }, struck)
}

// CapacityShown tells whether a fault that always strikes keeps servers of the
// type out of the location; asking is no strike.
func (f CloudFaults) CapacityShown(serverType, location string) bool {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	now := f.all.clock.Now()
	return slices.ContainsFunc(f.all.armed, func(a *armed) bool {
		return a.Kind == FaultCapacity && (a.Cloud == "" || a.Cloud == f.cloud) && a.Probability == 0 && a.Count == 0 && a.After == 0 &&
			(a.until.IsZero() || now.Before(a.until)) &&
			(a.ServerType == "" || a.ServerType == serverType) && (a.Location == "" || a.Location == location)
	})
}
