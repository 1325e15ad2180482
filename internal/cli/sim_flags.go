package cli

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// simFlags are the settings of `holdfast sim`.
type simFlags struct {
	listen            string
	data              string
	json              bool
	speed             float64
	durationScale     float64
	durations         []string
	rateLimit         int
	actionPollLimit   int
	limits            []string
	googleRateLimit   int
	googleLimits      []string
	tokens            []namedToken
	faults            []string
	seed              uint64
	legacyDatacenters bool
	s3Listen          []string
	s3Keys            []string
	serviceAccounts   []string
	namesListen       string
	namesCA           string
	machines          machineFlags
}

// register declares the flags, with the vendor's numbers as defaults.
func (f *simFlags) register(set *pflag.FlagSet) {
	vendor := simcloud.Realistic()
	set.StringVar(&f.listen, "listen", "127.0.0.1:8700", "`address` to listen on; port 0 takes any free one")
	set.StringVar(&f.data, "data", "", "`file` that keeps everything over a restart (default: in memory)")
	set.BoolVar(&f.json, "json", false, "announce the addresses as one line of JSON")
	set.Float64Var(&f.speed, "speed", 1, "simulated seconds that pass in a real one; 0 stops the clock, POST /_sim/clock moves it")
	set.Float64Var(&f.durationScale, "durations", vendor.DurationScale, "`factor` on how long actions take; 0 ends them at once")
	set.StringArrayVar(&f.durations, "duration", nil, "how long one kind of action takes, as `command=duration`, such as create_server=40s or instances.insert=20s (repeatable)")
	set.IntVar(&f.rateLimit, "rate-limit", vendor.Hetzner.RateLimit, "Hetzner: `requests` an hour and project; 0 turns the limit off")
	set.IntVar(&f.googleRateLimit, "google-rate-limit", vendor.Google.RateLimit, "Google: `requests` a minute, project and group of methods; 0 turns the limit off")
	set.StringArrayVar(&f.googleLimits, "google-limit", nil, "Google: a quota, as `METRIC=number`, such as NETWORKS=15; vendor stands for those of a new project (repeatable)")
	set.IntVar(&f.actionPollLimit, "action-poll-limit", 0, "Hetzner: a limit of its own for reading actions, in `requests` an hour; 0 counts them like all others")
	set.StringArrayVar(&f.limits, "limit", nil, "Hetzner: how many objects of a kind a project may have, as `kind=number`, such as server=10 (repeatable)")
	set.Var(&tokenFlag{tokens: &f.tokens}, "token", "Hetzner: accept only such tokens, each as `token=project` (repeatable; default: any token, with a project of its own)")
	set.Var(&tokenFlag{tokens: &f.tokens, readOnly: true}, "read-only-token", "the same, for a token that may only read, as `token=project` (repeatable)")
	set.StringArrayVar(&f.faults, "fault", nil, "what goes wrong, as `kind[,key=value…]`: error, drop_before, drop_after, delay, rate_limit, action_failed, action_stuck, capacity, location_lost, quota (repeatable)")
	set.Uint64Var(&f.seed, "seed", 1, "`number` that the chances of faults depend on")
	set.StringArrayVar(&f.s3Listen, "s3-listen", nil, "Hetzner: where a location's object store listens, as `location=address` (repeatable; default: the ports that follow --listen's, in the order fsn1, nbg1, hel1)")
	set.StringArrayVar(&f.s3Keys, "s3-key", nil, "Hetzner: accept only such keys to the object store, each as `access:secret=project` (repeatable; default: one pair of project 1, which is announced)")
	set.StringArrayVar(&f.serviceAccounts, "google-service-account", nil, "Google: an access token of a service account, as `token=address`: to Cloud Storage it is good for what policies of buckets grant the address (repeatable)")
	set.StringVar(&f.namesListen, "names-listen", "", "`address` of a proxy (HTTPS_PROXY) under which the vendors' own host names lead here, for clients that take no other endpoint (default: none)")
	set.StringVar(&f.namesCA, "names-ca", "", "`file` to write the certificate to that such clients have to trust (SSL_CERT_FILE); goes with --names-listen")
	f.machines.register(set)
	set.BoolVar(&f.legacyDatacenters, "legacy-datacenters", false, "Hetzner: keep /datacenters, which the vendor removed after 2026-10-01")
}

// options turns the flags into what the simulation takes. The error names the
// flag.
func (f *simFlags) options() (simcloud.Options, []simcloud.Fault, error) {
	options := simcloud.Realistic()
	options.DataFile = f.data
	options.Seed = f.seed
	options.Hetzner.LegacyDatacenters = f.legacyDatacenters
	for _, check := range []struct {
		flag  string
		value float64
	}{
		{"speed", f.speed},
		{"durations", f.durationScale},
		{"rate-limit", float64(f.rateLimit)},
		{"google-rate-limit", float64(f.googleRateLimit)},
		{"action-poll-limit", float64(f.actionPollLimit)},
	} {
		if !(check.value >= 0) { // refuses NaN too
			return options, nil, fmt.Errorf("--%s %v: the least is 0", check.flag, check.value)
		}
	}
	options.Clock = simcloud.NewClock(time.Time{}, f.speed)
	options.DurationScale = f.durationScale
	options.Hetzner.RateLimit = f.rateLimit
	options.Hetzner.ActionPollLimit = f.actionPollLimit
	options.Google.RateLimit = f.googleRateLimit

	options.Durations = make(map[string]time.Duration)
	for _, text := range f.durations {
		command, value, _ := strings.Cut(text, "=")
		duration, err := time.ParseDuration(value)
		if err != nil || command == "" || duration < 0 {
			return options, nil, fmt.Errorf("--duration %s: write command=duration, such as create_server=40s", text)
		}
		options.Durations[command] = duration
	}
	options.Hetzner.Limits = make(map[string]int)
	for _, text := range f.limits {
		kind, value, _ := strings.Cut(text, "=")
		number, err := strconv.Atoi(value)
		if err != nil || kind == "" || number < 0 {
			return options, nil, fmt.Errorf("--limit %s: write kind=number, such as server=10", text)
		}
		options.Hetzner.Limits[kind] = number
	}
	options.Google.Limits = make(map[string]float64)
	for _, text := range f.googleLimits {
		if text == "vendor" {
			maps.Copy(options.Google.Limits, simcloud.GoogleVendorLimits())
			continue
		}
		metric, value, _ := strings.Cut(text, "=")
		number, err := strconv.ParseFloat(value, 64)
		if err != nil || metric == "" || !(number >= 0) {
			return options, nil, fmt.Errorf("--google-limit %s: write METRIC=number, such as NETWORKS=15, or vendor", text)
		}
		options.Google.Limits[metric] = number
	}
	if len(f.tokens) > 0 {
		options.Hetzner.Tokens = make(map[string]simcloud.Token, len(f.tokens))
	}
	for _, token := range f.tokens {
		options.Hetzner.Tokens[token.text] = token.Token
	}
	if (f.namesListen == "") != (f.namesCA == "") {
		return options, nil, fmt.Errorf("--names-listen and --names-ca go together")
	}
	if err := f.objectStores(&options); err != nil {
		return options, nil, err
	}
	var faults []simcloud.Fault
	for _, text := range f.faults {
		fault, err := parseFault(text)
		if err != nil {
			return options, nil, fmt.Errorf("--fault %s: %w", text, err)
		}
		faults = append(faults, fault)
	}
	return options, faults, nil
}

// namedToken is a token and what it opens.
type namedToken struct {
	text string
	simcloud.Token
}

// tokenFlag collects the values of --token and --read-only-token in order.
type tokenFlag struct {
	tokens   *[]namedToken
	readOnly bool
}

func (t *tokenFlag) Type() string { return "token=project" }

func (t *tokenFlag) String() string { return "" }

func (t *tokenFlag) Set(text string) error {
	token, project, found := strings.Cut(text, "=")
	if !found || token == "" || project == "" {
		return fmt.Errorf("write token=project")
	}
	*t.tokens = append(*t.tokens, namedToken{text: token, Token: simcloud.Token{Project: project, ReadOnly: t.readOnly}})
	return nil
}
