-- May the audit log be written, with all its columns? No row is written by this, so that Delta records no version.
INSERT INTO crm.sfdc_dbx.sync_audit_log (
  audit_id,
  sync_name,
  sync_type,
  execution_timestamp,
  records_processed,
  records_succeeded,
  records_failed,
  error_rate,
  executed_by,
  notes,
  census_sync_id,
  created_at
)
SELECT
  audit_id,
  sync_name,
  sync_type,
  execution_timestamp,
  records_processed,
  records_succeeded,
  records_failed,
  error_rate,
  executed_by,
  notes,
  census_sync_id,
  created_at
FROM crm.sfdc_dbx.sync_audit_log
WHERE 1 = 0
