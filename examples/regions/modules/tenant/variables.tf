variable "name" {
  type = string
}

variable "tier" {
  description = "paid or free: paid tenants are served first."
  type        = string
}

variable "location" {
  type = string
}

variable "cpus" {
  type = number
}

variable "memory_gb" {
  type = number
}

variable "data_gb" {
  type = number
}

variable "ssh_key_ids" {
  type = set(string)
}

variable "admin_networks" {
  type = set(string)
}

variable "backup_plan_id" {
  type = string
}
