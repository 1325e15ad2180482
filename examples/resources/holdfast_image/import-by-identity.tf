import {
  to = holdfast_image.base
  identity = {
    id = "hetzner/fsn1/4711"
  }
}
