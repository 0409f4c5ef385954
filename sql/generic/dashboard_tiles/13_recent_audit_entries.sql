-- What was written into the audit log of late? Neither notes nor names of people.
-- title: Recent audit entries · chart: table
WITH settings AS (   -- the zone is that of pipeline.yml
  SELECT
    'America/Los_Angeles' AS zone
)
SELECT
  DATE_FORMAT(CONVERT_TIMEZONE(settings.zone, l.execution_timestamp), 'yyyy-MM-dd HH:mm') AS at,
  l.sync_name,
  l.sync_type,
  CAST(l.records_processed AS BIGINT) AS processed,
  CAST(l.records_succeeded AS BIGINT) AS succeeded,
  CAST(l.records_failed AS BIGINT) AS failed,
  l.error_rate,
  CASE
    WHEN l.executed_by LIKE 'Census (%' THEN l.executed_by
    WHEN l.executed_by IN ('sync-health', 'sync-health snapshot job', 'Sync Health (automatic)') THEN 'Sync Health'
    ELSE 'a person or another job'
  END AS started_by
FROM crm.sfdc_dbx.sync_audit_log AS l
CROSS JOIN settings
ORDER BY l.execution_timestamp DESC, l.audit_id
LIMIT 50
