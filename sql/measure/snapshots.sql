-- What did this snapshot measure, and those before it? Newest first; without it, the latest ones until now.
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
),
numbered AS (
  SELECT
    log.*,
    ROW_NUMBER() OVER (ORDER BY execution_timestamp DESC, CASE WHEN audit_id = :audit_id THEN 0 ELSE 1 END) AS n
  FROM log
  CROSS JOIN wanted
  WHERE execution_timestamp <= wanted.at
)
SELECT
  numbered.audit_id,
  numbered.execution_timestamp,
  numbered.executed_by,
  numbered.notes,
  CAST(NULLIF(REGEXP_EXTRACT(numbered.notes, 'Coverage: ([0-9.]+)%', 1), '') AS DOUBLE) AS coverage_percentage,
  CAST(NULLIF(REGEXP_EXTRACT(numbered.notes, 'RDS Total: ([0-9]+)', 1), '') AS BIGINT) AS enriched_rows,
  CAST(numbered.records_processed AS BIGINT) AS salesforce_rows,
  CAST(NULLIF(REGEXP_EXTRACT(REPLACE(numbered.notes, 'Gap: 0 (', 'Gap: '), 'Gap: (-?[0-9]+)', 1), '') AS BIGINT) AS gap,
  CAST(CASE WHEN numbered.records_processed > 0 THEN numbered.records_failed END AS BIGINT) AS null_company_names,
  100 * CAST(numbered.records_processed - numbered.records_failed AS DOUBLE) / NULLIF(numbered.records_processed, 0) AS data_quality_percentage,
  CAST(NULLIF(REGEXP_EXTRACT(numbered.notes, 'CREATE Queue: ([0-9]+)', 1), '') AS BIGINT) AS create_queue,
  CAST(NULLIF(REGEXP_EXTRACT(numbered.notes, 'UPDATE Queue: ([0-9]+)', 1), '') AS BIGINT) AS update_queue
FROM numbered
WHERE numbered.n <= :most
ORDER BY numbered.n
