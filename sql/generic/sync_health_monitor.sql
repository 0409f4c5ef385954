-- How does each sync do? One row per sync; `sync-health deploy` writes all of pipeline.yml into the CTEs that say so.
-- Its status begins with 🔴 when somebody should look, no data included. The backlog is what the queue holds now, runs are
-- those that the bot has written into the audit log; a sync is late when records are pending and no run came in its time.
CREATE OR REPLACE VIEW crm.sfdc_dbx.sync_health_monitor
COMMENT 'Made by sync-health deploy, which replaces it' AS
WITH settings AS (   -- a SELECT for each sync
  SELECT
    'America/Los_Angeles' AS zone,
    'Sync B (UPDATE)' AS sync_name,
    3394041 AS census_sync_id,
    500 AS backlog_warn,
    1000 AS backlog_critical,
    1.5 AS sync_recency_warn,
    2 AS sync_recency_critical,
    6 AS expect_every   -- hours, of the sync; NULL: how often it usually runs
),
clock AS (
  SELECT
    CURRENT_TIMESTAMP() AS now,
    TIMESTAMPADD(MINUTE, 15, CURRENT_TIMESTAMP()) AS latest   -- a clock that is a few minutes ahead is no fault
),
needed AS (   -- a SELECT for each sync: whether the tables that its queue needs have rows
  SELECT
    3394041 AS census_sync_id,
    TRUE AS is_there
),
pending AS (   -- a SELECT for each sync that has a queue
  SELECT
    3394041 AS census_sync_id,
    COUNT(*) AS records,
    COUNT(CASE WHEN queue.changed_at > clock.latest THEN 1 END) AS future,
    MIN(queue.changed_at) AS oldest
  FROM (SELECT rds_last_updated_at AS changed_at FROM crm.sfdc_dbx.properties_to_update) AS queue
  CROSS JOIN clock
),
completed AS (
  SELECT
    l.census_sync_id,
    l.execution_timestamp AS at,
    CASE
      WHEN l.execution_timestamp > TIMESTAMPADD(DAY, -22, clock.now)   -- three weeks, and the day on which a fourth begins
      THEN CAST(UNIX_SECONDS(l.execution_timestamp) - UNIX_SECONDS(LAG(l.execution_timestamp) OVER (PARTITION BY l.census_sync_id ORDER BY l.execution_timestamp)) AS DOUBLE) / 3600
    END AS gap,
    CASE
      WHEN CAST(CONVERT_TIMEZONE(settings.zone, l.execution_timestamp) AS DATE) = CAST(CONVERT_TIMEZONE(settings.zone, clock.now) AS DATE)
      THEN l.records_succeeded
    END AS today,
    CASE WHEN l.execution_timestamp > clock.latest THEN 1 END AS future
  FROM crm.sfdc_dbx.sync_audit_log AS l
  INNER JOIN settings
    ON l.census_sync_id = settings.census_sync_id
  CROSS JOIN clock
),
ranked AS (
  SELECT
    completed.*,
    ROW_NUMBER() OVER (PARTITION BY census_sync_id ORDER BY gap DESC NULLS LAST) AS place
  FROM completed
),
runs AS (
  SELECT
    census_sync_id,
    COUNT(future) AS future,
    MAX(at) AS last_run,
    COALESCE(SUM(today), 0) AS records_today,
    -- what comes twice is a rhythm, and a sync of weekdays is not late on Sunday; what came once may be an outage
    COALESCE(MAX(CASE WHEN place = 2 THEN gap END), 0) AS second_gap,
    COALESCE(MAX(gap), 0) AS longest_gap,
    COUNT(gap) AS gaps
  FROM ranked
  GROUP BY census_sync_id
),
timed AS (
  SELECT
    settings.*,
    clock.now,
    needed.is_there,
    pending.records,
    COALESCE(pending.future, 0) + COALESCE(runs.future, 0) AS future,
    runs.last_run,
    COALESCE(runs.records_today, 0) AS records_today,
    COALESCE(settings.expect_every, CASE WHEN runs.gaps >= 10 THEN runs.second_gap ELSE runs.longest_gap END, 0) AS usual_gap,
    CAST(UNIX_SECONDS(clock.now) - UNIX_SECONDS(runs.last_run) AS DOUBLE) / 3600 AS hours_since,
    CASE   -- where nobody knows how long records are pending, they may be since the last run
      WHEN pending.records > 0
      THEN CAST(UNIX_SECONDS(clock.now) - UNIX_SECONDS(COALESCE(pending.oldest, runs.last_run)) AS DOUBLE) / 3600
    END AS hours_waiting
  FROM settings
  CROSS JOIN clock
  INNER JOIN needed
    ON settings.census_sync_id = needed.census_sync_id
  LEFT JOIN pending
    ON settings.census_sync_id = pending.census_sync_id
  LEFT JOIN runs
    ON settings.census_sync_id = runs.census_sync_id
)
SELECT
  t.sync_name,
  CAST(CASE WHEN t.is_there THEN t.records END AS BIGINT) AS queue_size,
  CASE WHEN t.future = 0 THEN t.last_run END AS last_sync_timestamp,
  CAST(CASE WHEN t.future = 0 THEN t.records_today END AS BIGINT) AS records_today,
  CASE
    WHEN NOT t.is_there THEN '🔴 No data'
    WHEN t.future > 0 THEN '🔴 Dates in the future'   -- when it last ran, and how long records are pending, nobody knows
    WHEN t.records > t.backlog_critical THEN '🔴 Queue does not drain'
    WHEN t.hours_waiting > t.usual_gap + t.sync_recency_critical AND COALESCE(t.hours_since > t.usual_gap + t.sync_recency_critical, TRUE) THEN '🔴 Not syncing'
    WHEN t.records > 0 AND t.hours_waiting IS NULL THEN '🔴 No run yet'   -- and nobody knows since when
    WHEN t.records > t.backlog_warn THEN '🟡 Queue grows'
    WHEN t.hours_waiting > t.usual_gap + t.sync_recency_warn AND COALESCE(t.hours_since > t.usual_gap + t.sync_recency_warn, TRUE) THEN '🟡 Late'
    WHEN t.records > 0 AND t.last_run IS NULL THEN '⚪ No run yet'
    WHEN t.records IS NULL THEN '⚪ No queue'
    ELSE '✅ Healthy'
  END AS status,
  CASE
    WHEN NOT t.is_there THEN 'No data'
    WHEN t.records > t.backlog_critical THEN 'Critical'
    WHEN t.records > t.backlog_warn THEN 'High'
    WHEN t.records > 0 THEN 'Normal'
    WHEN t.records = 0 THEN 'Empty'
    ELSE 'No queue'
  END AS queue_assessment,
  CASE WHEN t.future = 0 THEN t.hours_since END AS hours_since_last_sync,
  t.now AS check_timestamp
FROM timed AS t
