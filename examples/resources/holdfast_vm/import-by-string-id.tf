import {
  to = holdfast_vm.web
  id = "hetzner/fsn1/4711"
}
