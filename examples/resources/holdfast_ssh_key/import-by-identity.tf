import {
  to = holdfast_ssh_key.ada
  identity = {
    id = "hetzner/fsn1/4711"
  }
}
