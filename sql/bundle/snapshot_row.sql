-- Which row does the snapshot job write?
-- That of the local date on which it was triggered, under the bot's ID; a run that somebody starts has an ID of its own.
-- Dates of a job's own variables are UTC: at 23:59 in the west they say tomorrow. The moment is that of the trigger, because
-- a warehouse that starts slowly must not move the row to the next day. Nor must a scheduler that is late: one that fires
-- after midnight fires for the evening before, and under today's ID its row would keep tonight's out.
WITH settings AS (   -- the bundle has what pipeline.yml says here
  SELECT
    'America/Los_Angeles' AS zone,
    1439 AS due_minute   -- of the day
),
triggered AS (
  SELECT TIMESTAMP_MILLIS(CAST(:triggered_ms AS BIGINT)) AS at
),
run AS (
  SELECT
    triggered.at,
    CONVERT_TIMEZONE('UTC', triggered.at) AS in_utc,
    CONVERT_TIMEZONE(settings.zone, triggered.at) AS local_time,
    LOWER(:trigger_type) = 'onetime' AS by_hand,
    settings.due_minute
  FROM triggered
  CROSS JOIN settings
),
since_due AS (
  SELECT
    run.*,
    MOD(60 * HOUR(local_time) + MINUTE(local_time) + 1440 - due_minute, 1440) AS minutes
  FROM run
),
late AS (   -- more than three hours are a schedule of somebody's own
  SELECT
    since_due.*,
    CASE WHEN NOT by_hand AND minutes <= 180 THEN minutes ELSE 0 END AS minutes_late
  FROM since_due
)
SELECT
  CASE
    WHEN late.by_hand THEN CONCAT('manual_snapshot_', DATE_FORMAT(late.in_utc, 'yyyyMMdd'), 'T', DATE_FORMAT(late.in_utc, 'HHmmss'), 'Z')
    ELSE CONCAT('daily_snapshot_', DATE_FORMAT(TIMESTAMPADD(MINUTE, -late.minutes_late, late.local_time), 'yyyyMMdd'))
  END AS audit_id,
  TIMESTAMPADD(MINUTE, -late.minutes_late, late.at) AS execution_timestamp,
  'sync-health snapshot job' AS executed_by
FROM late
