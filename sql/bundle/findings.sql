-- What is critical, and is yesterday's snapshot missing?
-- A row for each; the validation job fails with all of them.
WITH settings AS (   -- the bundle has what pipeline.yml says here
  SELECT
    'America/Los_Angeles' AS zone
),
yesterday AS (
  SELECT
    CONCAT('daily_snapshot_', DATE_FORMAT(TIMESTAMPADD(DAY, -1, CONVERT_TIMEZONE(zone, CURRENT_TIMESTAMP())), 'yyyyMMdd')) AS audit_id
  FROM settings
),
findings AS (   -- the pipeline's own checks are added here
  SELECT
    CONCAT(sync_name, ': ', status) AS finding
  FROM crm.sfdc_dbx.sync_health_monitor
  WHERE status LIKE '🔴%'
  UNION ALL
  SELECT
    CONCAT('No audit snapshot ', yesterday.audit_id) AS finding
  FROM yesterday
  LEFT JOIN crm.sfdc_dbx.sync_audit_log AS log
    ON log.audit_id = yesterday.audit_id
  WHERE log.audit_id IS NULL
)
SELECT
  finding
FROM findings
