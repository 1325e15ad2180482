# The personal key of a named engineer (SYS-3).
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = "hetzner/fsn1"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"

  labels = {
    team = "operations"
  }
}

# Everybody's, from a map; on your own machine also
# public_key = file("~/.ssh/id_ed25519.pub").
resource "holdfast_ssh_key" "admin" {
  for_each = {
    grace = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUwVBeA27KzdI2sOt/FdE4hHjfE38JPy64b3tRM7fWB grace@example.com"
  }

  name       = each.key
  location   = "hetzner/fsn1"
  public_key = each.value
}
