# What the deployment left behind, such as after a failover, when the lost
# location is back. Nothing is deleted: that is what `holdfast orphans --delete`
# on the command line is for.
data "holdfast_orphans" "left" {
  known_ids = [holdfast_network.acme.id]
}

resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.1.0.0/16"
}

# An alarm rather than a table: the plan of the day warns while there are some.
check "no_orphans" {
  assert {
    condition     = length(data.holdfast_orphans.left.orphans) == 0
    error_message = "Left behind: ${join(", ", data.holdfast_orphans.left.orphans[*].id)}"
  }
}

output "orphans" {
  value = { for one in data.holdfast_orphans.left.orphans : one.id => "${one.kind} ${one.name} of ${coalesce(one.tenant, "all")}" }
}
