output "plan_id" {
  description = "What machines name as their backup_plan_id."
  value       = holdfast_backup_plan.standard.id
}

output "bucket_ids" {
  description = "The buckets, for data.holdfast_backups and `holdfast backups`."
  value       = holdfast_backup_plan.standard.bucket_ids
}
