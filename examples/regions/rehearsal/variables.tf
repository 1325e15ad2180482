variable "production" {
  description = "The deployment that is rehearsed. Its name is only the beginning of the rehearsal's."
  type        = string
  default     = "acme-eu"
}

variable "rehearsal_token" {
  description = "API token of the rehearsals' own project; null takes HCLOUD_TOKEN."
  type        = string
  default     = null
  sensitive   = true
}

variable "locations" {
  description = "The locations of the production."
  type        = list(string)
  default     = ["hetzner/fsn1", "hetzner/hel1"]
}

variable "lost_locations" {
  description = "What the rehearsal takes for lost."
  type        = set(string)
  default     = ["hetzner/fsn1"]

  validation {
    condition     = length(var.lost_locations) > 0
    error_message = "A rehearsal with nothing lost rehearses nothing."
  }
}

variable "sample" {
  description = "How many customers are rehearsed."
  type        = number
  default     = 3
}

variable "admins" {
  description = "The engineers' public keys by name. This one is an example: nobody holds its private half."
  type        = map(string)
  default = {
    ada = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx ada@example.com"
  }
}

variable "admin_networks" {
  description = "Where the engineers connect from."
  type        = set(string)
  default     = ["198.51.100.0/24"]
}

variable "tenants" {
  description = "The customers: the production's own file, given with -var-file."
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
