-- How many records did each sync write, day by day?
-- title: Records written · chart: bar · unit: records · x: day · y: records · series: sync
WITH settings AS (   -- the zone is that of pipeline.yml
  SELECT
    'America/Los_Angeles' AS zone
),
runs AS (   -- snapshots are no runs
  SELECT
    CAST(CONVERT_TIMEZONE(settings.zone, l.execution_timestamp) AS DATE) AS day,
    l.sync_name AS sync,
    l.records_processed,
    l.records_succeeded
  FROM crm.sfdc_dbx.sync_audit_log AS l
  CROSS JOIN settings
  WHERE l.audit_id LIKE 'census#_run#_%' ESCAPE '#' OR NOT l.sync_type IN ('MONITORING', 'MANUAL', 'SETUP')
),
clock AS (
  SELECT CAST(CONVERT_TIMEZONE(zone, CURRENT_TIMESTAMP()) AS DATE) AS today
  FROM settings
)
SELECT
  runs.day,
  runs.sync,
  CAST(SUM(runs.records_succeeded) AS BIGINT) AS records
FROM runs
INNER JOIN clock
  ON runs.day BETWEEN DATE_SUB(clock.today, 29) AND clock.today
GROUP BY runs.day, runs.sync
ORDER BY runs.day, runs.sync
