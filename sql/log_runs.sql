-- Which runs has Census completed? A row of the audit log each, once: a run that is in it stays as it is. The bot puts
-- several into one statement, with a SELECT like this one for each.
MERGE INTO crm.sfdc_dbx.sync_audit_log AS t
USING (
  SELECT
    CAST(:audit_id AS STRING) AS audit_id,
    CAST(:sync_name AS STRING) AS sync_name,
    CAST(:sync_type AS STRING) AS sync_type,
    CAST(:completed_at AS TIMESTAMP) AS completed_at,
    CAST(:processed AS INT) AS processed,
    CAST(:succeeded AS INT) AS succeeded,
    CAST(:failed AS INT) AS failed,
    CAST(:error_rate AS DOUBLE) AS error_rate,
    CAST(:executed_by AS STRING) AS executed_by,
    CAST(:notes AS STRING) AS notes,
    CAST(:census_sync_id AS BIGINT) AS census_sync_id
) AS s
ON t.audit_id = s.audit_id
WHEN NOT MATCHED THEN INSERT (
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
) VALUES (
  s.audit_id,
  s.sync_name,
  s.sync_type,
  s.completed_at,
  s.processed,
  s.succeeded,
  s.failed,
  s.error_rate,
  s.executed_by,
  s.notes,
  s.census_sync_id,
  CURRENT_TIMESTAMP()
)
