-- Which share of the records did the destination accept from each sync, day by day?
-- title: Success rate · chart: line · unit: % · x: day · y: success_rate · series: sync
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
),
counted AS (   -- a run that Census gives no counts of says nothing
  SELECT
    runs.day,
    runs.sync,
    SUM(runs.records_processed) AS processed,
    SUM(runs.records_succeeded) AS succeeded
  FROM runs
  INNER JOIN clock
    ON runs.day BETWEEN DATE_SUB(clock.today, 29) AND clock.today
  WHERE runs.records_processed IS NOT NULL AND runs.records_succeeded IS NOT NULL
  GROUP BY runs.day, runs.sync
),
days AS (   -- one without records is a gap in the chart
  SELECT CAST(DATE_SUB(clock.today, numbers.back) AS DATE) AS day
  FROM clock
  CROSS JOIN (SELECT EXPLODE(SEQUENCE(0, 29)) AS back) AS numbers
  WHERE DATE_SUB(clock.today, numbers.back) >= (SELECT MIN(day) FROM counted)
),
syncs AS (
  SELECT DISTINCT sync
  FROM counted
)
SELECT
  days.day,
  syncs.sync,
  100 * CAST(counted.succeeded AS DOUBLE) / NULLIF(counted.processed, 0) AS success_rate
FROM days
CROSS JOIN syncs
LEFT JOIN counted
  ON counted.day = days.day AND counted.sync = syncs.sync
ORDER BY days.day, syncs.sync
