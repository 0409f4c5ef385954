-- Written by `sync-health deploy --bundle` from pipeline.yml, checks and sql/
USE CATALOG IDENTIFIER(:catalog);

USE SCHEMA IDENTIFIER(:schema);

MERGE INTO sync_audit_log AS t
USING (
  WITH given AS (
    SELECT
      CAST(job.audit_id AS STRING) AS audit_id,
      CAST(job.execution_timestamp AS TIMESTAMP) AS taken_at,
      CAST(job.executed_by AS STRING) AS executed_by,
      CAST('America/Los_Angeles' AS STRING) AS zone,
      CAST(95.0 AS DOUBLE) AS coverage_warn,
      CAST(90.0 AS DOUBLE) AS coverage_critical
    FROM (
      WITH settings AS (
        SELECT
          'America/Los_Angeles' AS zone,
          1439 AS due_minute
      ), triggered AS (
        SELECT
          TIMESTAMP_MILLIS(CAST(:triggered_ms AS BIGINT)) AS at
      ), run AS (
        SELECT
          triggered.at,
          CONVERT_TIMEZONE('UTC', triggered.at) AS in_utc,
          CONVERT_TIMEZONE(settings.zone, triggered.at) AS local_time,
          LOWER(:trigger_type) = 'onetime' AS by_hand,
          settings.due_minute
        FROM triggered
        CROSS JOIN settings
      ), since_due AS (
        SELECT
          run.*,
          (
            60 * HOUR(local_time) + MINUTE(local_time) + 1440 - due_minute
          ) % 1440 AS minutes
        FROM run
      ), late AS (
        SELECT
          since_due.*,
          CASE WHEN NOT by_hand AND minutes <= 180 THEN minutes ELSE 0 END AS minutes_late
        FROM since_due
      )
      SELECT
        CASE
          WHEN late.by_hand
          THEN CONCAT(
            'manual_snapshot_',
            DATE_FORMAT(late.in_utc, 'yyyyMMdd'),
            'T',
            DATE_FORMAT(late.in_utc, 'HHmmss'),
            'Z'
          )
          ELSE CONCAT(
            'daily_snapshot_',
            DATE_FORMAT(DATE_ADD(MINUTE, -late.minutes_late, late.local_time), 'yyyyMMdd')
          )
        END AS audit_id,
        DATE_ADD(MINUTE, -late.minutes_late, late.at) AS execution_timestamp,
        'sync-health snapshot job' AS executed_by
      FROM late
    ) AS job
  ), today AS (
    SELECT
      CAST(CONVERT_TIMEZONE(zone, taken_at) AS DATE) AS day,
      DATE_ADD(MINUTE, 15, taken_at) AS latest,
      zone
    FROM given
  ), live AS (
    SELECT
      s.*,
      CASE
        WHEN NOT COALESCE(s.last_modified_date <= s.created_date, FALSE)
        THEN s.last_modified_date
      END AS updated_date,
      today.day,
      today.latest,
      today.zone
    FROM hive_metastore.salesforce.product_property AS s
    CROSS JOIN today
    WHERE
      NOT COALESCE(s.is_deleted, FALSE) AND NOT COALESCE(s._fivetran_deleted, FALSE)
  ), rds AS (
    SELECT
      COUNT(*) AS total,
      COUNT(CASE WHEN e.has_valid_sfdc_id = 1 THEN 1 END) AS valid,
      COUNT(CASE WHEN e.has_valid_sfdc_id = 1 AND NOT known.sfdc_id IS NULL THEN 1 END) AS matched
    FROM rds_properties_enriched AS e
    LEFT JOIN (
      SELECT DISTINCT
        sf_property_id_c AS sfdc_id
      FROM live
    ) AS known
      ON known.sfdc_id = e.sfdc_id
  ), salesforce AS (
    SELECT
      COUNT(*) AS total,
      COUNT(
        CASE
          WHEN REGEXP_LIKE(
            COALESCE(company_name_c, ''),
            '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$'
          )
          THEN 1
        END
      ) AS nameless,
      COUNT(CASE WHEN CAST(CONVERT_TIMEZONE(zone, created_date) AS DATE) = day THEN 1 END) AS created_today,
      COUNT(CASE WHEN CAST(CONVERT_TIMEZONE(zone, updated_date) AS DATE) = day THEN 1 END) AS updated_today,
      COUNT(CASE WHEN id_verification_enabled_c THEN 1 END) AS idv,
      COUNT(CASE WHEN bank_linking_enabled_c THEN 1 END) AS bank,
      COUNT(CASE WHEN connected_payroll_enabled_c THEN 1 END) AS payroll,
      COUNT(CASE WHEN income_verification_enabled_c THEN 1 END) AS income,
      COUNT(CASE WHEN fraud_detection_enabled_c THEN 1 END) AS fraud,
      MAX(CASE WHEN created_date <= latest THEN created_date END) AS last_create,
      MAX(CASE WHEN updated_date <= latest THEN updated_date END) AS last_update
    FROM live
  ), to_create AS (
    SELECT
      COUNT(*) AS waiting
    FROM properties_to_create
  ), to_update AS (
    SELECT
      COUNT(*) AS waiting
    FROM properties_to_update
  ), figures AS (
    SELECT
      given.*,
      rds.total AS rds_total,
      rds.valid - salesforce.total AS gap,
      salesforce.*,
      to_create.waiting AS create_queue,
      to_update.waiting AS update_queue,
      CASE
        WHEN rds.total > 0 AND salesforce.total > 0
        THEN 100 * CAST(salesforce.total AS DOUBLE) / NULLIF(rds.valid, 0)
      END AS coverage,
      100 * CAST(rds.matched AS DOUBLE) / NULLIF(rds.valid, 0) AS matched
    FROM given
    CROSS JOIN rds
    CROSS JOIN salesforce
    CROSS JOIN to_create
    CROSS JOIN to_update
  )
  SELECT
    f.audit_id,
    f.taken_at,
    f.executed_by,
    CAST(f.total AS INT) AS records_processed,
    CAST(f.total - f.nameless AS INT) AS records_succeeded,
    CAST(f.nameless AS INT) AS records_failed,
    100 * CAST(f.nameless AS DOUBLE) / NULLIF(f.total, 0) AS error_rate,
    CASE
      WHEN NOT f.coverage IS NULL AND NOT f.last_create IS NULL
      THEN CONCAT_WS(
        ' | ',
        CONCAT('Coverage: ', CAST(CAST(f.coverage AS DECIMAL(18, 2)) AS STRING), '%'),
        CONCAT(
          'Status: ',
          CASE
            WHEN LEAST(f.coverage, f.matched) < f.coverage_critical
            THEN '🔴 CRITICAL'
            WHEN LEAST(f.coverage, f.matched) < f.coverage_warn OR f.coverage > 100
            THEN '🟡 WARNING'
            ELSE '🟢 GOOD'
          END
        ),
        CONCAT('RDS Total: ', CAST(f.rds_total AS STRING)),
        CONCAT('SF Total: ', CAST(f.total AS STRING)),
        CONCAT(
          'Gap: ',
          CASE
            WHEN f.gap < 0
            THEN CONCAT('0 (', CAST(f.gap AS STRING), ')')
            ELSE CAST(f.gap AS STRING)
          END
        ),
        CONCAT('CREATE Queue: ', CAST(f.create_queue AS STRING)),
        CONCAT('UPDATE Queue: ', CAST(f.update_queue AS STRING)),
        CONCAT('Created Today: ', CAST(f.created_today AS STRING)),
        CONCAT('Updated Today: ', CAST(f.updated_today AS STRING)),
        CONCAT('IDV Enabled: ', CAST(f.idv AS STRING)),
        CONCAT('Bank Linking: ', CAST(f.bank AS STRING)),
        CONCAT('Payroll: ', CAST(f.payroll AS STRING)),
        CONCAT('Income: ', CAST(f.income AS STRING)),
        CONCAT('Fraud Detection: ', CAST(f.fraud AS STRING)),
        CONCAT(
          'Last Create: ',
          DATE_FORMAT(CONVERT_TIMEZONE(f.zone, f.last_create), 'yyyy-MM-dd HH:mm')
        ),
        CONCAT(
          'Last Update: ',
          DATE_FORMAT(
            CONVERT_TIMEZONE(f.zone, COALESCE(f.last_update, f.last_create)),
            'yyyy-MM-dd HH:mm'
          )
        )
      )
    END AS notes
  FROM figures AS f
) AS s
ON t.audit_id = s.audit_id
WHEN NOT MATCHED THEN INSERT (
  audit_id,
  sync_name,
  sync_type,
  execution_timestamp,
  records_processed,
  records_succeeded,
  records_failed,
  error_rate,
  executed_by,
  notes,
  census_sync_id,
  created_at
) VALUES (
  s.audit_id,
  CASE
    WHEN s.audit_id LIKE 'daily%'
    THEN 'Daily System Snapshot'
    ELSE 'Manual System Snapshot'
  END,
  CASE WHEN s.audit_id LIKE 'daily%' THEN 'MONITORING' ELSE 'MANUAL' END,
  s.taken_at,
  s.records_processed,
  s.records_succeeded,
  s.records_failed,
  s.error_rate,
  s.executed_by,
  s.notes,
  CAST(NULL AS BIGINT),
  CURRENT_TIMESTAMP()
);
