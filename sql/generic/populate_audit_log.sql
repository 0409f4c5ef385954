-- What does the pipeline look like now? One row for the audit log, for pipelines that have no statement of this name: the
-- bot measures, `notes` says what it found. A snapshot with this id stays as it is.
MERGE INTO crm.sfdc_dbx.sync_audit_log AS t
USING (
  SELECT
    CAST(:audit_id AS STRING) AS audit_id,
    CAST(:execution_timestamp AS TIMESTAMP) AS taken_at,
    CAST(:executed_by AS STRING) AS executed_by,
    CAST(:notes AS STRING) AS notes
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
  CASE WHEN s.audit_id LIKE 'daily%' THEN 'Daily System Snapshot' ELSE 'Manual System Snapshot' END,
  CASE WHEN s.audit_id LIKE 'daily%' THEN 'MONITORING' ELSE 'MANUAL' END,   -- charts count MONITORING, a row a day
  s.taken_at,
  CAST(NULL AS INT),
  CAST(NULL AS INT),
  CAST(NULL AS INT),
  CAST(NULL AS DOUBLE),
  s.executed_by,
  s.notes,
  CAST(NULL AS BIGINT),
  CURRENT_TIMESTAMP()
)
