# <cloud>/<location>/<native id>
terraform import holdfast_image.base hetzner/fsn1/4711
