variable "protects" {
  description = "Where the region may stand, stand-bys included."
  type        = set(string)
}

variable "buckets" {
  description = "Where backups are held, and for how many days nobody can delete them there. Hetzner's Object Storage is in Europe only, so one of them is another vendor's."
  type        = map(number)
  default = {
    "hetzner/nbg1"          = 93
    "google/europe-west4-a" = 0
    "google/us-central1-a"  = 0
  }
}
