import {
  to = holdfast_ssh_key.ada
  id = "hetzner/fsn1/4711"
}
