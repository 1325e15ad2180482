import {
  to = holdfast_firewall.web
  identity = {
    id = "hetzner/fsn1/4711"
  }
}
