import {
  to = holdfast_volume.data
  id = "hetzner/fsn1/4711"
}
