package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
)

// Quiet hours are those in which a region does little business, on its own
// clocks: from 20:00 up to, but not including, 06:00. UPT-2 names no hours;
// these leave two hours on either side of a working day from 8 to 18.
const (
	quietFrom = 20 * time.Hour
	quietTo   = 6 * time.Hour
)

var dailyTimePattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

// ParseDailyTime reads a time of day, "02:30", as the time since midnight. The
// error is a Finding.
func ParseDailyTime(text string) (time.Duration, error) {
	m := dailyTimePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, Finding{Summary: "Not a time of day", Detail: fmt.Sprintf("%s is not written HH:MM, from 00:00 to 23:59.", quote(text)),
			Remedy: "Write it with two digits each, such as \"02:30\"."}
	}
	hours, _ := strconv.Atoi(m[1]) // the pattern holds digits only
	minutes, _ := strconv.Atoi(m[2])
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute, nil
}

// CheckQuietHours judges a daily time on the clocks of the zone named, or of
// each location where none is: on every day of the year that begins with now,
// it has to fall into the quiet hours of every location (UPT-2). Clocks that
// change on different days, or only here, make a difference of an hour.
// Fields: schedule, time_zone.
func CheckQuietHours(schedule, zone string, locations []catalog.Entry, now time.Time) []Finding {
	since, err := ParseDailyTime(schedule)
	if err != nil {
		return at("schedule", err)
	}
	var named *time.Location
	if zone != "" {
		// "Local" would be the zone of whoever plans.
		if named, err = time.LoadLocation(zone); err != nil || zone == "Local" {
			return []Finding{{Field: "time_zone", Summary: "Unknown time zone", Detail: fmt.Sprintf("%s is not a time zone of the IANA database.", quote(zone)),
				Remedy: "Write one such as \"Europe/Berlin\" or \"UTC\", or leave it out: each location's own is the default."}}
		}
	}
	var findings []Finding
	judged := map[string]bool{}
	for _, e := range locations {
		if judged[e.TimeZone] {
			continue
		}
		judged[e.TimeZone] = true
		own, err := e.Zone()
		if err != nil {
			findings = append(findings, Finding{Promise: UPT2, Field: "schedule", Summary: "Time zone of the location not known",
				Detail: sentence(err.Error()), Remedy: "Choose a location that data.holdfast_locations lists."})
			continue
		}
		from := own
		if named != nil {
			from = named
		}
		if loud, found := firstLoud(since, from, own, now); found {
			findings = append(findings, Finding{Promise: UPT2, Field: "schedule", Summary: "Backup in business hours",
				Detail: fmt.Sprintf("%s %sis %s in %s on %s; the region's quiet hours are from %s to %s.", schedule, inZone(zone),
					loud.Format("15:04"), e.TimeZone, loud.Format(time.DateOnly), clock(quietFrom), clock(quietTo)),
				Remedy: fmt.Sprintf("Choose a time from %s to %s on the clocks of %s, such as \"02:30\" without a time_zone.", clock(quietFrom), clock(quietTo), e.TimeZone)})
		}
	}
	return findings
}

// firstLoud finds the first day of a year on which the daily time falls into
// business hours.
func firstLoud(since time.Duration, from, own *time.Location, now time.Time) (time.Time, bool) {
	year, month, day := now.In(from).Date()
	for i := range 366 {
		run := time.Date(year, month, day+i, 0, int(since/time.Minute), 0, 0, from).In(own)
		of := time.Duration(run.Hour())*time.Hour + time.Duration(run.Minute())*time.Minute
		if of >= quietTo && of < quietFrom {
			return run, true
		}
	}
	return time.Time{}, false
}

func inZone(zone string) string {
	if zone == "" {
		return ""
	}
	return "in " + zone + " "
}

func clock(since time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(since.Hours()), int(since.Minutes())%60)
}
