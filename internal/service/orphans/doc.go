// Package orphans finds what a deployment left behind: objects that carry its
// labels and that nothing owns any more, as after a failover, when the lost
// location is back. The data source holdfast_orphans compares with ids that
// the configuration gives; the command line compares with a state, and can
// delete.
//
// An object counts as owned in any case of doubt. Lost locations and clouds
// are not asked; an object of another deployment is never an orphan.
//
// It imports the plugin framework, service, catalog and cloud.
package orphans
