terraform {
  required_providers {
    holdfast = {
      source = "holdfast-cloud/holdfast"
    }
  }
}

provider "holdfast" {
  # Every object carries this name as a label.
  deployment = "acme-eu"

  # Data centres that are gone, such as ["hetzner/fsn1"].
  lost_locations = []

  # The token comes from HCLOUD_TOKEN.
  hetzner {}

  # The credentials are the machine's own (gcloud auth application-default
  # login), or come from GOOGLE_CREDENTIALS.
  google {
    project = "acme-prod"
  }
}
