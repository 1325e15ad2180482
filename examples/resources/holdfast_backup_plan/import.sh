# The name of the plan. The next plan shows all the rest as a change in place,
# and the apply writes it.
terraform import holdfast_backup_plan.standard standard
