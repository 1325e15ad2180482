// Package plan is the resource holdfast_backup_plan: when backups are made,
// which are kept, how old the newest may be, and in which buckets they are held
// (BAK-1, BAK-2, BAK-6, DR-1, DR-2, UPT-2). There is no object at any vendor
// behind it: it is a set of rules that a configuration cannot break, which
// machines and inventories refer to.
//
// It imports the plugin framework and internal/{backup,catalog,cloud,policy,
// service}, never a driver.
package plan
