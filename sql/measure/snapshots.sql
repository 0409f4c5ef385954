-- What did this snapshot measure, and the one before it? Newest first; without it, only the latest one until now.
WITH log AS (
  SELECT
    audit_id,
    execution_timestamp,
    executed_by,
    notes,
    records_processed,
    records_failed
  FROM crm.sfdc_dbx.sync_audit_log
  WHERE audit_id LIKE 'daily#_snapshot#_%' ESCAPE '#' OR audit_id LIKE 'manual#_snapshot#_%' ESCAPE '#'
),
wanted AS (
  SELECT
    COALESCE(MAX(CASE WHEN audit_id = :audit_id THEN execution_timestamp END), CAST(:now AS TIMESTAMP)) AS at
  FROM log
)
SELECT
  log.audit_id,
  log.execution_timestamp,
  log.executed_by,
  log.notes,
  CAST(NULLIF(REGEXP_EXTRACT(log.notes, 'Coverage: ([0-9.]+)%', 1), '') AS DOUBLE) AS coverage_percentage,
  CAST(NULLIF(REGEXP_EXTRACT(log.notes, 'RDS Total: ([0-9]+)', 1), '') AS BIGINT) AS enriched_rows,
  CAST(log.records_processed AS BIGINT) AS salesforce_rows,
  CAST(NULLIF(REGEXP_EXTRACT(REPLACE(log.notes, 'Gap: 0 (', 'Gap: '), 'Gap: (-?[0-9]+)', 1), '') AS BIGINT) AS rds_to_sf_gap,
  CAST(CASE WHEN log.records_processed > 0 THEN log.records_failed END AS BIGINT) AS null_company_names,
  CAST(NULLIF(REGEXP_EXTRACT(log.notes, 'CREATE Queue: ([0-9]+)', 1), '') AS BIGINT) AS create_queue,
  CAST(NULLIF(REGEXP_EXTRACT(log.notes, 'UPDATE Queue: ([0-9]+)', 1), '') AS BIGINT) AS update_queue
FROM log
CROSS JOIN wanted
WHERE log.execution_timestamp <= wanted.at
ORDER BY log.execution_timestamp DESC, CASE WHEN log.audit_id = :audit_id THEN 0 ELSE 1 END
LIMIT 2
