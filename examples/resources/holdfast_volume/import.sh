# <cloud>/<location>/<native id>
terraform import holdfast_volume.data hetzner/fsn1/4711
