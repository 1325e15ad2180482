# <cloud>/<location>/<native id>
terraform import holdfast_ssh_key.ada hetzner/fsn1/4711
