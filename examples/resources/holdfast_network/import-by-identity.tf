import {
  to = holdfast_network.acme
  identity = {
    id = "hetzner/fsn1/4711"
  }
}
