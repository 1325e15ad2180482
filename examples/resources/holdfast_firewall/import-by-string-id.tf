import {
  to = holdfast_firewall.web
  id = "hetzner/fsn1/4711"
}
