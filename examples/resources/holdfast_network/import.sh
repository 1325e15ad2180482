# <cloud>/<location>/<native id>
terraform import holdfast_network.acme hetzner/fsn1/4711
