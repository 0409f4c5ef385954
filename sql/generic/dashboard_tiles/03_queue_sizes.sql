-- How many records of each sync were pending at the end of each day?
-- title: Pending records · chart: line · unit: records · x: day · y: records · series: sync · checks: backlog
WITH settings AS (   -- the zone is that of pipeline.yml
  SELECT
    'America/Los_Angeles' AS zone
),
clock AS (
  SELECT
    zone,
    CAST(CONVERT_TIMEZONE(zone, CURRENT_TIMESTAMP()) AS DATE) AS today
  FROM settings
),
snapshots AS (   -- a late one has its day in its id; that of a job which names them by UTC is a day ahead there
  SELECT
    l.execution_timestamp,
    l.notes,
    l.records_processed,
    l.records_failed,
    LEAST(
      CAST(CONVERT_TIMEZONE(clock.zone, l.execution_timestamp) AS DATE),
      CASE
        WHEN l.audit_id LIKE 'daily#_snapshot#_________' ESCAPE '#'
        THEN TRY_CAST(CONCAT_WS('-', SUBSTRING(l.audit_id, 16, 4), SUBSTRING(l.audit_id, 20, 2), SUBSTRING(l.audit_id, 22, 2)) AS DATE)
      END
    ) AS day
  FROM crm.sfdc_dbx.sync_audit_log AS l
  CROSS JOIN clock
  WHERE l.sync_type = 'MONITORING'   -- one by hand is MANUAL
),
daily AS (   -- of several of a day the latest that has notes
  SELECT *
  FROM (
    SELECT
      s.*,
      ROW_NUMBER() OVER (PARTITION BY day ORDER BY CASE WHEN notes IS NULL THEN 1 ELSE 0 END, execution_timestamp DESC) AS nth
    FROM snapshots AS s
  ) AS numbered
  WHERE numbered.nth = 1
),
days AS (   -- one without a snapshot is a gap in the chart
  SELECT CAST(DATE_SUB(clock.today, numbers.back) AS DATE) AS day
  FROM clock
  CROSS JOIN (SELECT EXPLODE(SEQUENCE(0, 29)) AS back) AS numbers
  WHERE DATE_SUB(clock.today, numbers.back) >= (SELECT MIN(day) FROM daily)
    AND (numbers.back > 0 OR clock.today IN (SELECT day FROM daily))   -- today's comes in the evening
),
parts AS (
  SELECT
    day,
    EXPLODE(SPLIT(notes, ' [|] ')) AS part
  FROM daily
),
backlogs AS (
  SELECT
    day,
    REGEXP_EXTRACT(part, '^(.*)/backlog: [0-9]+$', 1) AS sync,
    TRY_CAST(REGEXP_EXTRACT(part, '/backlog: ([0-9]+)$', 1) AS BIGINT) AS records
  FROM parts
),
syncs AS (
  SELECT DISTINCT backlogs.sync
  FROM backlogs
  INNER JOIN days
    ON days.day = backlogs.day
  WHERE backlogs.records IS NOT NULL
)
SELECT
  days.day,
  syncs.sync,
  backlogs.records
FROM days
CROSS JOIN syncs
LEFT JOIN backlogs
  ON backlogs.day = days.day AND backlogs.sync = syncs.sync
ORDER BY days.day, syncs.sync
