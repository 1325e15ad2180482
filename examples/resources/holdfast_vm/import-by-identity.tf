import {
  to = holdfast_vm.web
  identity = {
    id = "hetzner/fsn1/4711"
  }
}
