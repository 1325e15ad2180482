# <cloud>/<location>/<native id>
terraform import holdfast_firewall.web hetzner/fsn1/4711
