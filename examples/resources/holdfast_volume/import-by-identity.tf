import {
  to = holdfast_volume.data
  identity = {
    id = "hetzner/fsn1/4711"
  }
}
