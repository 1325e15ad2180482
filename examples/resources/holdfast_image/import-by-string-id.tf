import {
  to = holdfast_image.base
  id = "hetzner/fsn1/4711"
}
