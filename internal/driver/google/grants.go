package google

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"golang.org/x/sync/singleflight"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// grants finds out whether Compute Engine may use the keys that disks name,
// before a disk is made. It speaks up only when it is certain: when every
// policy that could let the key be used, from the key's own up to the
// organization's, was read and none does. Whatever else it meets (no right to
// read a policy, a group that may hold the service agent, a service that does
// not answer) leaves the decision to the request itself, whose refusal explain
// makes clear.
type grants struct {
	d    *Driver
	read policyReader

	flight singleflight.Group
	mu     sync.Mutex
	// settled holds the keys that are not asked about again: they may be used,
	// or it cannot be told. A refusal is not kept, since it may be remedied
	// within the run.
	settled map[string]bool
}

// grantTimeout bounds all the reading about one key; nobody waits longer for
// an advance notice.
const grantTimeout = 20 * time.Second

// check refuses a key that Compute Engine surely may not use; "" is no key.
// Callers who ask about the same key at the same time share the answer.
func (g *grants) check(ctx context.Context, kind cloud.Kind, key string) error {
	g.mu.Lock()
	settled := g.settled[key]
	g.mu.Unlock()
	if key == "" || settled || g.read.kms == "" {
		return nil
	}
	result := g.flight.DoChan(key, func() (any, error) {
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), grantTimeout)
		defer cancel()
		err := g.look(shared, key)
		if err == nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.settled == nil {
				g.settled = map[string]bool{}
			}
			g.settled[key] = true
		}
		return nil, err
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case outcome := <-result:
		return g.d.fail(outcome.Err, kind, "", "")
	}
}

// look reads policies from the key upwards, until one lets the key be used or
// it cannot be told.
func (g *grants) look(ctx context.Context, key string) error {
	agent, ok := g.d.serviceAgent(ctx)
	if !ok {
		return nil
	}
	ring, _, _ := strings.Cut(key, "/cryptoKeys/")
	for _, resource := range []string{key, ring} {
		switch bindings, found := g.read.ofKey(ctx, resource); {
		case found == absent:
			return g.noSuchKey(key, resource)
		case found != answered || judge(bindings, agent) != denied:
			return nil
		}
	}
	ancestors, found := g.read.ancestors(ctx, strings.Split(key, "/")[1])
	if found != answered || len(ancestors) == 0 {
		return nil
	}
	for _, ancestor := range ancestors {
		if bindings, found := g.read.ofAncestor(ctx, ancestor); found != answered || judge(bindings, agent) != denied {
			return nil
		}
	}
	above := "its project"
	if len(ancestors) > 1 {
		above = "its project, nor a folder or organization above"
	}
	return &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: Name, Field: blockOf(optionKMSKey), Doing: "check the key " + key,
		Message: "Compute Engine may not use the key, so nothing is made that could not be encrypted with it (ENC-1, ENC-2): neither the key, nor its key ring, nor " +
			above + " gives the role " + keyRole + " to the service agent " + agent,
		Remedy: "Let Compute Engine use the key, then apply again: " + g.d.keyGrant(key+" "+agent)}
}

func (g *grants) noSuchKey(key, lacking string) error {
	what := "the key"
	if lacking != key {
		what = "its key ring"
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Field: blockOf(optionKMSKey), Doing: "check the key " + key,
		Message: "Cloud KMS does not know " + what + ", so nothing is made that could not be encrypted with it (ENC-1, ENC-2)",
		Remedy:  "Make the key, or correct its name (gcloud kms keys list)."}
}

// defaultAccount is the service account that every project has for its VMs; it
// begins with the project's number.
var defaultAccount = regexp.MustCompile(`^([0-9]+)-compute@developer\.gserviceaccount\.com$`)

// serviceAgent gives the account in whose name Compute Engine uses keys: it
// carries the project's number, which the API tells in passing only.
func (d *Driver) serviceAgent(ctx context.Context) (string, bool) {
	account := d.metadata.account()
	if account == "" {
		project, err := d.api.projects.Get(ctx, &computepb.GetProjectRequest{Project: d.project})
		if err != nil {
			return "", false
		}
		account = project.GetDefaultServiceAccount()
	}
	found := defaultAccount.FindStringSubmatch(account)
	if found == nil {
		return "", false
	}
	return "service-" + found[1] + "@compute-system.iam.gserviceaccount.com", true
}
