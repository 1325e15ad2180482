variable "locations" {
  description = "Where the region may stand, best first."
  type        = list(string)
  default     = ["hetzner/fsn1", "hetzner/hel1", "google/europe-north1-a"]
}

variable "lost_locations" {
  description = "Data centres that are gone; [] on a good day."
  type        = set(string)
  default     = []
}

variable "capacity_fallback" {
  description = "Whether a region that has no VMs yet goes on to the next location for want of room."
  type        = bool
  default     = true
}

variable "google_project" {
  description = "The project at Google Cloud. Its Compute Engine and Cloud Storage APIs are on, and its quotas are those of the whole region."
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
    aldgate   = { tier = "paid", cpus = 4, memory_gb = 8, data_gb = 100 }
    barbican  = { tier = "paid", data_gb = 40 }
    greenwich = {}
    holborn   = {}
  }
}
