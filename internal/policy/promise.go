package policy

// The promises that can be broken by a configuration. A Finding with an empty
// promise is plain bad input.
const (
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
	// SYS3: remote management by a few named engineers, with a personal SSH
	// key pair only.
	SYS3 = "SYS-3"
)
