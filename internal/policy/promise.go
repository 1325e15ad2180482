package policy

// The promises that can be broken by a configuration. A Finding with an empty
// promise is plain bad input.
const (
	// BAK1: 14 backups, of 7 days, 4 weeks and 3 months.
	BAK1 = "BAK-1"
	// BAK2: each backup is held in 3 data centres on 2 continents.
	BAK2 = "BAK-2"
	// BAK3: a backup older than the recovery point objective is an alarm.
	BAK3 = "BAK-3"
	// BAK6: one copy is immutable.
	BAK6 = "BAK-6"
	// DR1: the recovery point objective is 24 hours.
	DR1 = "DR-1"
	// DR2: back within 24 hours (paid) or 48 hours (free) with a whole data
	// centre gone.
	DR2 = "DR-2"
	// ENC1: customer data is encrypted at rest.
	ENC1 = "ENC-1"
	// ISO1: each tenant has its own database on its own virtual machine.
	ISO1 = "ISO-1"
	// ISO2: no way from one tenant's database to another's.
	ISO2 = "ISO-2"
	// NET1: a firewall on every server, deny by default.
	NET1 = "NET-1"
	// NET3: only data-centre operators with DDoS protection at the edge.
	NET3 = "NET-3"
	// PHY1: only data centres with a guarded perimeter.
	PHY1 = "PHY-1"
	// UPT2: planned maintenance outside the business hours of its region.
	UPT2 = "UPT-2"
	// SYS3: remote management by a few named engineers, with a personal SSH
	// key pair only.
	SYS3 = "SYS-3"
)
