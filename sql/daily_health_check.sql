-- How is the pipeline today? One row for the daily look; NULL and ⚪ where there is nothing to measure.
CREATE OR REPLACE VIEW crm.sfdc_dbx.daily_health_check
COMMENT 'Made by sync-health deploy, which replaces it' AS
WITH settings AS (   -- `sync-health deploy` writes what pipeline.yml says here
  SELECT
    'America/Los_Angeles' AS zone,
    95 AS coverage_warn,
    90 AS coverage_critical,
    50 AS create_queue_warn,
    100 AS create_queue_critical,
    500 AS update_queue_warn,
    1000 AS update_queue_critical
),
clock AS (
  SELECT
    CURRENT_TIMESTAMP() AS now,
    CAST(CONVERT_TIMEZONE(zone, CURRENT_TIMESTAMP()) AS DATE) AS today,
    TIMESTAMPADD(MINUTE, 15, CURRENT_TIMESTAMP()) AS latest   -- a clock that is a few minutes ahead is no fault
  FROM settings
),
live AS (
  SELECT
    sf_property_id_c AS sfdc_id,
    COALESCE(company_name_c, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' AS nameless,
    created_date,
    last_modified_date
  FROM hive_metastore.salesforce.product_property
  WHERE NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
),
rds AS (
  SELECT
    COUNT(*) AS total,
    COUNT(CASE WHEN e.is_active = 1 THEN 1 END) AS active,
    COUNT(CASE WHEN e.has_valid_sfdc_id = 1 THEN 1 END) AS valid,
    COUNT(CASE WHEN e.has_valid_sfdc_id = 1 AND known.sfdc_id IS NOT NULL THEN 1 END) AS matched
  FROM crm.sfdc_dbx.rds_properties_enriched AS e
  LEFT JOIN (SELECT DISTINCT sfdc_id FROM live) AS known
    ON known.sfdc_id = e.sfdc_id
),
salesforce AS (
  SELECT
    COUNT(*) AS total,
    COUNT(CASE WHEN live.nameless THEN 1 END) AS nameless,
    COUNT(CASE WHEN GREATEST(live.created_date, live.last_modified_date) > clock.latest THEN 1 END) AS future,
    MAX(live.last_modified_date) AS last_sync_time,
    COUNT(CASE WHEN CAST(CONVERT_TIMEZONE(settings.zone, live.last_modified_date) AS DATE) = clock.today THEN 1 END) AS synced_today
  FROM live
  CROSS JOIN settings
  CROSS JOIN clock
),
aggregated AS (
  SELECT
    COUNT(*) AS total,
    COUNT(CASE WHEN is_multi_property THEN 1 END) AS multi_property,
    MAX(active_property_count) AS most
  FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id
),
to_create AS (
  SELECT
    COUNT(*) AS waiting,
    COUNT(CASE WHEN has_any_features_enabled THEN 1 END) AS with_features,
    COUNT(CASE WHEN is_multi_property THEN 1 END) AS multi_property
  FROM crm.sfdc_dbx.properties_to_create
),
to_update AS (
  SELECT
    COUNT(*) AS waiting,
    COUNT(CASE WHEN has_any_features_enabled THEN 1 END) AS with_features,
    COUNT(CASE WHEN is_multi_property THEN 1 END) AS multi_property
  FROM crm.sfdc_dbx.properties_to_update
),
measured AS (
  SELECT
    rds.total > 0 AND salesforce.total > 0 AS is_there,
    CASE WHEN rds.total > 0 AND salesforce.total > 0 THEN 100 * CAST(salesforce.total AS DOUBLE) / NULLIF(rds.valid, 0) END AS coverage,
    100 * CAST(rds.matched AS DOUBLE) / NULLIF(rds.valid, 0) AS matched,   -- counts alone hide missing ids behind orphans
    to_create.waiting > settings.create_queue_critical AS create_critical,
    to_create.waiting > settings.create_queue_warn AS create_warn,
    to_update.waiting > settings.update_queue_critical AS update_critical,
    to_update.waiting > settings.update_queue_warn AS update_warn
  FROM rds
  CROSS JOIN salesforce
  CROSS JOIN to_create
  CROSS JOIN to_update
  CROSS JOIN settings
)
SELECT
  clock.now AS report_timestamp,
  clock.today AS report_date,
  CAST(rds.total AS BIGINT) AS total_rds_properties,
  CAST(rds.active AS BIGINT) AS active_rds_properties,
  CAST(rds.valid AS BIGINT) AS rds_with_sfdc_id,
  CAST(salesforce.total AS BIGINT) AS total_sf_properties,
  m.coverage AS coverage_percentage,
  CAST(CASE WHEN m.is_there THEN rds.valid - salesforce.total END AS BIGINT) AS rds_to_sf_gap,
  CAST(aggregated.total AS BIGINT) AS total_aggregated_sfdc_ids,
  CAST(aggregated.multi_property AS BIGINT) AS multi_property_count,
  CAST(aggregated.most AS BIGINT) AS max_properties_per_sfdc_id,
  CAST(CASE WHEN m.is_there THEN to_create.waiting END AS BIGINT) AS create_queue_count,
  CAST(CASE WHEN m.is_there THEN to_create.with_features END AS BIGINT) AS create_queue_with_features,
  CAST(CASE WHEN m.is_there THEN to_create.multi_property END AS BIGINT) AS create_queue_multi_property,
  CAST(CASE WHEN m.is_there THEN to_update.waiting END AS BIGINT) AS update_queue_count,
  CAST(CASE WHEN m.is_there THEN to_update.with_features END AS BIGINT) AS update_queue_with_features,
  CAST(CASE WHEN m.is_there THEN to_update.multi_property END AS BIGINT) AS update_queue_multi_property,
  CAST(CASE WHEN salesforce.total > 0 THEN salesforce.nameless END AS BIGINT) AS null_company_names,
  CASE WHEN salesforce.future = 0 THEN salesforce.last_sync_time END AS last_sync_time,   -- nobody synced tomorrow
  CAST(CASE WHEN salesforce.total > 0 AND salesforce.future = 0 THEN salesforce.synced_today END AS BIGINT) AS records_synced_today,
  CASE
    WHEN NOT m.is_there THEN '⚪ NO DATA'
    WHEN m.create_critical THEN '🔴 CRITICAL'
    WHEN m.create_warn THEN '🟡 WARNING'
    ELSE '🟢 GOOD'
  END AS create_queue_status,
  CASE   -- the worse of both queues
    WHEN NOT m.is_there THEN '⚪ NO DATA'
    WHEN m.create_critical OR m.update_critical THEN '🔴 CRITICAL'
    WHEN m.create_warn OR m.update_warn THEN '🟡 WARNING'
    ELSE '🟢 GOOD'
  END AS queue_status,
  CASE
    WHEN m.coverage IS NULL THEN '⚪ NO DATA'
    WHEN LEAST(m.coverage, m.matched) < settings.coverage_critical THEN '🔴 CRITICAL'
    WHEN LEAST(m.coverage, m.matched) < settings.coverage_warn OR m.coverage > 100 THEN '🟡 WARNING'
    ELSE '🟢 GOOD'
  END AS coverage_status
FROM measured AS m
CROSS JOIN settings
CROSS JOIN clock
CROSS JOIN rds
CROSS JOIN salesforce
CROSS JOIN aggregated
CROSS JOIN to_create
CROSS JOIN to_update
