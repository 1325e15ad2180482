variable "locations" {
  description = "Where the region may stand, best first, with a stand-by in another data centre (DR-2)."
  type        = list(string)
  default     = ["hetzner/fsn1", "hetzner/hel1"]
}

variable "lost_locations" {
  description = "Data centres that are gone; [] on a good day."
  type        = set(string)
  default     = []
}

variable "google_project" {
  description = "The project at Google Cloud for backups. Its Cloud Storage API is on."
  type        = string
  default     = "acme-eu-standby"
}

variable "admins" {
  description = "The engineers' public keys by name. These two are examples: nobody holds their private halves."
  type        = map(string)
  default = {
    ada   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"
    grace = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUwVBeA27KzdI2sOt/FdE4hHjfE38JPy64b3tRM7fWB grace@example.com"
  }
}

variable "admin_networks" {
  description = "Where the engineers connect from: the only networks that reach port 22 (NET-1)."
  type        = set(string)
  default     = ["198.51.100.0/24"]
}

variable "tenants" {
  description = "The customers."
  type = map(object({
    tier      = optional(string, "free")
    cpus      = optional(number, 2)
    memory_gb = optional(number, 4)
    data_gb   = optional(number, 10)
  }))
  default = {
    aldgate    = { tier = "paid", cpus = 4, memory_gb = 8, data_gb = 100 }
    barbican   = { tier = "paid", cpus = 4, memory_gb = 8, data_gb = 60 }
    camden     = { tier = "paid", data_gb = 40 }
    deptford   = { tier = "paid", data_gb = 40 }
    euston     = { tier = "paid", data_gb = 20 }
    farringdon = { tier = "paid", data_gb = 20 }
    greenwich  = {}
    holborn    = {}
    islington  = {}
    kensington = {}
    lambeth    = {}
    marylebone = {}
  }
}
