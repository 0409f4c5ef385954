-- What did this snapshot note, and those before it? Newest first; without it, the latest ones until now.
WITH log AS (
  SELECT
    audit_id,
    execution_timestamp,
    executed_by,
    notes
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
  numbered.notes
FROM numbered
WHERE numbered.n <= :most
ORDER BY numbered.n
