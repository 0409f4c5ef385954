-- How does each sync do? One row per sync; its status begins with 🔴 when somebody should look, no data included.
-- The warehouse sees what a sync wrote and not whether it ran: an idle sync is late only when rows have waited that long.
CREATE OR REPLACE VIEW crm.sfdc_dbx.sync_health_monitor
COMMENT 'Made by sync-health deploy, which replaces it' AS
WITH settings AS (   -- `sync-health deploy` writes what pipeline.yml says here
  SELECT
    'America/Los_Angeles' AS zone,
    'Sync A (CREATE)' AS create_sync_name,
    'Sync B (UPDATE)' AS update_sync_name,
    50 AS create_queue_warn,
    100 AS create_queue_critical,
    500 AS update_queue_warn,
    1000 AS update_queue_critical,
    1.5 AS sync_recency_warn,
    2 AS sync_recency_critical
),
clock AS (
  SELECT
    CURRENT_TIMESTAMP() AS now,
    CAST(CONVERT_TIMEZONE(zone, CURRENT_TIMESTAMP()) AS DATE) AS today,
    TIMESTAMPADD(MINUTE, 15, CURRENT_TIMESTAMP()) AS latest   -- a clock that is a few minutes ahead is no fault
  FROM settings
),
written AS (
  SELECT
    s.created_date AS created_at,
    CASE WHEN NOT COALESCE(s.last_modified_date <= s.created_date, FALSE) THEN s.last_modified_date END AS updated_at,
    settings.zone,
    clock.today,
    clock.latest
  FROM hive_metastore.salesforce.product_property AS s
  CROSS JOIN settings
  CROSS JOIN clock
  WHERE NOT COALESCE(s.is_deleted, FALSE) AND NOT COALESCE(s._fivetran_deleted, FALSE)
),
salesforce AS (
  SELECT
    COUNT(*) AS total,
    COUNT(CASE WHEN GREATEST(created_at, updated_at) > latest THEN 1 END) AS future,
    MAX(created_at) AS last_create,
    MAX(updated_at) AS last_update,
    COUNT(CASE WHEN CAST(CONVERT_TIMEZONE(zone, created_at) AS DATE) = today THEN 1 END) AS created_today,
    COUNT(CASE WHEN CAST(CONVERT_TIMEZONE(zone, updated_at) AS DATE) = today THEN 1 END) AS updated_today
  FROM written
),
rds AS (
  SELECT COUNT(*) AS total
  FROM crm.sfdc_dbx.rds_properties_enriched
),
to_create AS (
  SELECT
    COUNT(*) AS waiting,
    COUNT(CASE WHEN rds_last_updated_at > clock.latest THEN 1 END) AS future,
    MIN(rds_last_updated_at) AS oldest
  FROM crm.sfdc_dbx.properties_to_create
  CROSS JOIN clock
),
to_update AS (
  SELECT
    COUNT(*) AS waiting,
    COUNT(CASE WHEN rds_last_updated_at > clock.latest THEN 1 END) AS future,
    MIN(rds_last_updated_at) AS oldest
  FROM crm.sfdc_dbx.properties_to_update
  CROSS JOIN clock
),
syncs AS (
  SELECT
    settings.create_sync_name AS sync_name,
    to_create.waiting,
    to_create.oldest,
    to_create.waiting > settings.create_queue_warn AS queue_high,
    to_create.waiting > settings.create_queue_critical AS queue_critical,
    salesforce.future + to_create.future AS future,
    salesforce.last_create AS last_sync,
    salesforce.created_today AS records_today
  FROM settings
  CROSS JOIN salesforce
  CROSS JOIN to_create
  UNION ALL
  SELECT
    settings.update_sync_name AS sync_name,
    to_update.waiting,
    to_update.oldest,
    to_update.waiting > settings.update_queue_warn AS queue_high,
    to_update.waiting > settings.update_queue_critical AS queue_critical,
    salesforce.future + to_update.future AS future,
    salesforce.last_update AS last_sync,
    salesforce.updated_today AS records_today
  FROM settings
  CROSS JOIN salesforce
  CROSS JOIN to_update
),
timed AS (
  SELECT
    syncs.*,
    rds.total > 0 AND salesforce.total > 0 AS is_there,
    CAST(UNIX_SECONDS(clock.now) - UNIX_SECONDS(syncs.last_sync) AS DOUBLE) / 3600 AS hours_since,
    CAST(UNIX_SECONDS(clock.now) - UNIX_SECONDS(syncs.oldest) AS DOUBLE) / 3600 AS hours_waiting
  FROM syncs
  CROSS JOIN clock
  CROSS JOIN rds
  CROSS JOIN salesforce
)
SELECT
  t.sync_name,
  CAST(CASE WHEN t.is_there THEN t.waiting END AS BIGINT) AS queue_size,
  CASE WHEN t.future = 0 THEN t.last_sync END AS last_sync_timestamp,
  CAST(CASE WHEN t.is_there AND t.future = 0 THEN t.records_today END AS BIGINT) AS records_today,
  CASE
    WHEN NOT t.is_there THEN '🔴 No data'
    WHEN t.future > 0 THEN '🔴 Dates in the future'   -- when it last wrote, and how long rows wait, nobody knows
    WHEN t.queue_critical THEN '🔴 Queue does not drain'
    WHEN t.hours_waiting > settings.sync_recency_critical AND COALESCE(t.hours_since > settings.sync_recency_critical, TRUE) THEN '🔴 Not syncing'
    WHEN t.queue_high THEN '🟡 Queue grows'
    WHEN t.hours_waiting > settings.sync_recency_warn AND COALESCE(t.hours_since > settings.sync_recency_warn, TRUE) THEN '🟡 Late'
    ELSE '✅ Healthy'
  END AS status,
  CASE
    WHEN NOT t.is_there THEN 'No data'
    WHEN t.queue_critical THEN 'Critical'
    WHEN t.queue_high THEN 'High'
    WHEN t.waiting > 0 THEN 'Normal'
    ELSE 'Empty'
  END AS queue_assessment,
  CASE WHEN t.future = 0 THEN t.hours_since END AS hours_since_last_sync,
  clock.now AS check_timestamp
FROM timed AS t
CROSS JOIN settings
CROSS JOIN clock
