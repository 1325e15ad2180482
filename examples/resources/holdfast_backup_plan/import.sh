# The name of the plan. The next apply writes the rest.
terraform import holdfast_backup_plan.standard standard
