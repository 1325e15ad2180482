package google

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// bulkLimit is how many instances one bulk insertion makes at most
// (https://cloud.google.com/compute/docs/instances/multiple/about-bulk-creation).
const bulkLimit = 5000

type bulkRequest struct {
	Count       Int64           `json:"count"`
	MinCount    Int64           `json:"minCount"`
	NamePattern string          `json:"namePattern"`
	Properties  instanceRequest `json:"instanceProperties"`
	Template    string          `json:"sourceInstanceTemplate"`
	PerInstance map[string]struct {
		Hostname string `json:"hostname"`
	} `json:"perInstanceProperties"`
}

// bulkInsertInstances makes several instances of the same properties, each under
// an operation of its own; the operation that it answers ends with the last of
// them. As with the vendor, machine and disk types are bare names here, and no
// disk can be an existing one.
func bulkInsertInstances(c *call) (any, error) {
	var in bulkRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	names, err := c.bulkNames(&in)
	if err != nil {
		return nil, err
	}
	if err := c.checkBulk(&in, names); err != nil {
		return nil, err
	}
	group := fmt.Sprintf("%d", 3_000_000_000_000_000_000+c.tx.Next("google_operation_group"))
	requestID := c.requestID
	c.requestID = ""
	made := make([]newInstances, len(names))
	failed := 0
	for k, name := range names {
		one := clone(in.Properties)
		one.Name = name
		if h := in.PerInstance[name].Hostname; h != "" {
			one.Hostname = h
		}
		for n := range one.Disks {
			if p := one.Disks[n].InitializeParams; p != nil {
				p.DiskName = "" // disks are named after their instance
			}
		}
		if _, err := c.addInstance(&one, &made[k]); err != nil {
			return nil, err
		}
		if made[k].Fails != nil {
			failed++
		}
	}
	least := int(in.MinCount)
	if least == 0 {
		least = len(names)
	}
	var all newInstances // of the operation that stands for all
	if len(names)-failed < least {
		for _, p := range made {
			all.Fails = cmpError(all.Fails, p.Fails)
		}
	}
	for k, p := range made {
		p.Fails = cmpError(p.Fails, all.Fails) // too few: none is kept
		c.startInsertion(instances.kind.Get(c.tx, c.project, made[k].Instances[0]), p, group)
	}
	c.requestID = requestID
	return c.operate(opSpec{Command: "instances.bulkInsert", Type: "bulkInsert", Scope: c.scope, Target: "projects/" + c.project + "/" + c.scope,
		TargetID: c.api.cat.zone(c.zone()).number, Resource: engine.Ref{Type: "google_bulk"}, Params: all, Group: group}), nil
}

// bulkNames are the names of the instances that a request asks for.
func (c *call) bulkNames(in *bulkRequest) ([]string, error) {
	if in.Template != "" {
		return nil, invalid("resource.sourceInstanceTemplate", in.Template, "The referenced instancetemplate resource cannot be found.")
	}
	count := int(in.Count)
	if len(in.PerInstance) > 0 {
		if in.NamePattern != "" {
			return nil, invalid("resource.namePattern", in.NamePattern, "Only one of namePattern and perInstanceProperties can be specified.")
		}
		names := slices.Sorted(maps.Keys(in.PerInstance))
		if count != 0 && count != len(names) {
			return nil, invalid("resource.count", strconv.Itoa(count), "The count must be the number of perInstanceProperties.")
		}
		return names, nil
	}
	if count < 1 || count > bulkLimit {
		return nil, invalid("resource.count", strconv.Itoa(count), "Must be between 1 and %d.", bulkLimit)
	}
	first, last := strings.IndexByte(in.NamePattern, '#'), strings.LastIndexByte(in.NamePattern, '#')
	if first < 0 || strings.Trim(in.NamePattern[first:last+1], "#") != "" || last-first >= 18 {
		return nil, invalid("resource.namePattern", in.NamePattern, "The name pattern must contain one continuous sequence of 1 to 18 hash characters (#).")
	}
	digits := last - first + 1
	named := func(n int) string {
		return in.NamePattern[:first] + fmt.Sprintf("%0*d", digits, n) + in.NamePattern[last+1:]
	}
	from := c.lastNumber(in.NamePattern[:first], in.NamePattern[last+1:], digits)
	if len(strconv.Itoa(from+count)) > digits {
		return nil, invalid("resource.namePattern", in.NamePattern, "The name pattern has too few hash characters for %d instances.", count)
	}
	var names []string
	for n := from + 1; n <= from+count; n++ {
		names = append(names, named(n))
	}
	return names, nil
}

// lastNumber is the biggest number of existing names of a pattern, or 0.
func (c *call) lastNumber(prefix, suffix string, digits int) int {
	biggest := 0
	for _, i := range instances.kind.All(c.tx, c.project) {
		rest, ok := strings.CutPrefix(i.Name, prefix)
		if i.Scope != c.scope || !ok || !strings.HasSuffix(rest, suffix) {
			continue
		}
		rest = strings.TrimSuffix(rest, suffix)
		if n, err := strconv.Atoi(rest); err == nil && len(rest) == digits {
			biggest = max(biggest, n)
		}
	}
	return biggest
}

// checkBulk refuses what the vendor refuses of bulk insertions only, and turns
// the bare names of types into references.
func (c *call) checkBulk(in *bulkRequest, names []string) error {
	if in.MinCount < 0 || int(in.MinCount) > len(names) {
		return invalid("resource.minCount", strconv.FormatInt(int64(in.MinCount), 10), "Must not be greater than count.")
	}
	p := &in.Properties
	if p.MachineType == "" || strings.Contains(p.MachineType, "/") {
		return invalid("resource.instanceProperties.machineType", p.MachineType, "The machine type must be specified by its name.")
	}
	p.MachineType = c.scope + "/machineTypes/" + p.MachineType
	for k := range p.Disks {
		field := fmt.Sprintf("resource.instanceProperties.disks[%d]", k)
		d := &p.Disks[k]
		if d.Source != "" && d.Mode != "READ_ONLY" {
			return invalid(field+".source", d.Source, "Disks must be created with the instances, or be attached in READ_ONLY mode.")
		}
		if d.InitializeParams == nil {
			continue
		}
		if t := d.InitializeParams.DiskType; t != "" && !strings.Contains(t, "/") {
			d.InitializeParams.DiskType = c.scope + "/diskTypes/" + t
		}
	}
	for k, n := range p.NetworkInterfaces {
		if n.NetworkIP != "" {
			return invalid(fmt.Sprintf("resource.instanceProperties.networkInterfaces[%d].networkIP", k), n.NetworkIP, "Addresses cannot be specified for a bulk insertion.")
		}
	}
	return nil
}
