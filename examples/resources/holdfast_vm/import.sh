# <cloud>/<location>/<native id>
terraform import holdfast_vm.web hetzner/fsn1/4711
