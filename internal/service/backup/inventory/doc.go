// Package inventory is the data source holdfast_backups: what there is of each
// tenant's backups in each bucket (BAK-3, DR-1). The command line takes its
// sources from here, too.
//
// It imports the plugin framework and internal/{backup,cloud,policy,service},
// never a driver.
package inventory
