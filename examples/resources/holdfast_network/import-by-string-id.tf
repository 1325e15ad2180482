import {
  to = holdfast_network.acme
  id = "hetzner/fsn1/4711"
}
