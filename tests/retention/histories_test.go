package retention

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // the machine that tests need not have it
)

// zones have, besides the ordinary, half hours, 45 minutes, a change of half
// an hour, a missing day (Apia, 2011-12-30) and winters in July.
var zones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo",
	"Asia/Kolkata", "Asia/Kathmandu", "Asia/Singapore", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Apia", "Africa/Casablanca",
}

// anchors are where calendars are easily got wrong, as days: long and short
// ISO years, leap days, a century that is a leap year, changes of clocks, the
// day that Samoa left out, and the far future.
var anchors = []string{
	"2020-12-31", "2021-01-04", "2015-12-28", "2016-01-03", "2024-12-30", "2027-01-01", "2024-02-29", "2025-03-01", "2000-02-29",
	"2026-03-29", "2026-10-25", "2026-11-01", "2026-03-08", "2011-12-31", "2038-01-19", "2099-12-31",
}

// history generates the times of one tenant's backups, as its machine would
// have written them: with the offset of its zone at that instant.
func history(t *testing.T, seed uint64) []time.Time {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0x484f4c44))
	zone, err := time.LoadLocation(zones[r.IntN(len(zones))])
	if err != nil {
		t.Fatal(err)
	}
	day, err := time.ParseInLocation(time.DateOnly, anchors[r.IntN(len(anchors))], zone)
	if err != nil {
		t.Fatal(err)
	}
	end := day.AddDate(0, 0, r.IntN(40)-5).Add(time.Duration(r.Int64N(int64(24 * time.Hour))))

	var times []time.Time
	add := func(at time.Time) { times = append(times, at.In(zone)) }
	switch kind := r.IntN(8); kind {
	case 0: // every day at one time, for up to half a year
		for i := range r.IntN(180) {
			add(end.AddDate(0, 0, -i))
		}
	case 1: // every day with gaps, and not quite on time
		for i := range 20 + r.IntN(150) {
			if r.IntN(4) > 0 {
				add(end.AddDate(0, 0, -i).Add(time.Duration(r.Int64N(int64(3 * time.Hour)))))
			}
		}
	case 2: // several a day
		for i := range 10 + r.IntN(60) {
			add(end.Add(-time.Duration(i) * time.Duration(1+r.IntN(12)) * time.Hour))
		}
	case 3: // now and then, over years
		at := end
		for range 1 + r.IntN(30) {
			add(at)
			at = at.Add(-time.Duration(r.Int64N(int64(60 * 24 * time.Hour))))
		}
	case 4: // close to midnight, where a minute changes the day
		for i := range 5 + r.IntN(60) {
			midnight := time.Date(end.Year(), end.Month(), end.Day()-i, 0, 0, 0, 0, zone)
			add(midnight.Add(time.Duration(r.IntN(5)-2) * time.Minute))
		}
	case 5: // weekly or monthly, across the new year
		for i := range 3 + r.IntN(20) {
			if r.IntN(2) == 0 {
				add(end.AddDate(0, -i, 0))
			} else {
				add(end.AddDate(0, 0, -7*i))
			}
		}
	case 6: // anything within 200 days, to the nanosecond
		for range r.IntN(60) {
			add(end.Add(-time.Duration(r.Int64N(int64(200 * 24 * time.Hour)))))
		}
	case 7: // a machine that moves between zones
		for i := range 10 + r.IntN(80) {
			at := end.Add(-time.Duration(i) * 7 * time.Hour)
			if i%3 == 0 {
				if zone, err = time.LoadLocation(zones[r.IntN(len(zones))]); err != nil {
					t.Fatal(err)
				}
			}
			add(at)
		}
	}
	if len(times) == 0 {
		add(end)
	}
	times = distinct(times)
	if r.IntN(4) == 0 { // two backups of one instant
		times = append(times, times[r.IntN(len(times))])
	}
	r.Shuffle(len(times), func(i, j int) { times[i], times[j] = times[j], times[i] })
	return times
}

// distinct drops instants that are there twice: with different
// offsets restic's answer depends on the order in which it happens to read.
// (Two with the same offset are put in on purpose.)
func distinct(times []time.Time) []time.Time {
	seen := map[int64]bool{}
	var kept []time.Time
	for _, at := range times {
		if !seen[at.UnixNano()] {
			seen[at.UnixNano()] = true
			kept = append(kept, at)
		}
	}
	return kept
}
