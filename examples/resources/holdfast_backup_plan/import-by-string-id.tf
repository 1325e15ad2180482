import {
  to = holdfast_backup_plan.standard
  id = "standard"
}
