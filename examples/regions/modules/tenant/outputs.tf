output "vm" {
  value = {
    id           = holdfast_vm.this.id
    tier         = holdfast_vm.this.tier
    server_type  = holdfast_vm.this.server_type
    private_ip   = holdfast_vm.this.private_ip
    ipv4_address = holdfast_vm.this.ipv4_address
    status       = holdfast_vm.this.status
  }
}
