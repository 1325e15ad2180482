import {
  to = holdfast_backup_plan.standard
  identity = {
    id = "standard"
  }
}
