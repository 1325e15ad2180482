// Package site offers the data sources about places: holdfast_site, an
// ordered list of locations of which the first that is not lost is used, and
// holdfast_locations, the catalogue. Both answer without asking any cloud,
// unless a site is to look for capacity.
//
// It imports the plugin framework, service, policy, catalog and cloud.
package site
