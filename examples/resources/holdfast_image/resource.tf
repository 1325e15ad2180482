# A hardened Debian, for the machines of all locations of Hetzner Cloud. It
# takes minutes to make, so a region makes it once, and its stand-by uses it.
resource "holdfast_image" "base" {
  name     = "base"
  location = "hetzner/fsn1"
  base     = "debian-12"

  # The new image is there before the machines that name it are replaced, and
  # the old one goes last.
  lifecycle {
    create_before_destroy = true
  }
}

# With PostgreSQL, for a stand-by in Google Cloud: there before it is needed.
# The machine that becomes the image needs a network.
resource "holdfast_network" "images" {
  name     = "images"
  location = "google/europe-west3-a"
  cidr     = "10.255.0.0/24"
}

resource "holdfast_image" "database" {
  name       = "database"
  location   = "google/europe-west3-a"
  base       = "debian-12"
  roles      = ["postgresql"]
  network_id = holdfast_network.images.id

  lifecycle {
    create_before_destroy = true
  }
}

# A machine names it by its id.
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = "hetzner/fsn1"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"
}

resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.1.0.0/24"
}

resource "holdfast_firewall" "web" {
  name     = "web"
  location = "hetzner/fsn1"

  rules = [
    {
      protocol = "tcp"
      port     = "443"
      networks = ["0.0.0.0/0", "::/0"]
    },
  ]
}

resource "holdfast_vm" "web" {
  name         = "acme-web"
  location     = "hetzner/fsn1"
  tenant       = "acme"
  cpus         = 2
  memory_gb    = 4
  image_id     = holdfast_image.base.id
  ssh_key_ids  = [holdfast_ssh_key.ada.id]
  network_id   = holdfast_network.acme.id
  firewall_ids = [holdfast_firewall.web.id]
}
