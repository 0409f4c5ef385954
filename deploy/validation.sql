-- Written by `sync-health deploy --bundle` from pipeline.yml, checks and sql/
USE CATALOG IDENTIFIER(:catalog);

USE SCHEMA IDENTIFIER(:schema);

SELECT
  CASE
    WHEN COUNT(finding) = 0
    THEN 'Nothing critical'
    ELSE RAISE_ERROR(ARRAY_JOIN(ARRAY_SORT(COLLECT_LIST(finding)), '; '))
  END AS result
FROM (
  WITH settings AS (
    SELECT
      'America/Los_Angeles' AS zone
  ), yesterday AS (
    SELECT
      CONCAT(
        'daily_snapshot_',
        DATE_FORMAT(DATE_ADD(DAY, -1, CONVERT_TIMEZONE(zone, CURRENT_TIMESTAMP())), 'yyyyMMdd')
      ) AS audit_id
    FROM settings
  ), findings AS (
    SELECT
      CONCAT(sync_name, ': ', status) AS finding
    FROM sync_health_monitor
    WHERE
      status LIKE '🔴%'
    UNION ALL
    SELECT
      CONCAT('No audit snapshot ', yesterday.audit_id) AS finding
    FROM yesterday
    LEFT JOIN sync_audit_log AS log
      ON log.audit_id = yesterday.audit_id
    WHERE
      log.audit_id IS NULL
    UNION ALL
    SELECT
      finding
    FROM (
      SELECT
        EXPLODE(
          ARRAY(
            CASE
              WHEN COALESCE(
                measured.company_name_equals_property_name_percentage > 5.0
                OR ABS(CAST(measured.company_name_equals_property_name_percentage AS DOUBLE)) > 1E308,
                TRUE
              )
              THEN CONCAT(
                'Company names equal to the property name: ',
                COALESCE(CAST(measured.company_name_equals_property_name_percentage AS STRING), 'no data'),
                ' (critical > 5%)'
              )
            END,
            CASE
              WHEN COALESCE(
                measured.matched_coverage_percentage < 90.0
                OR ABS(CAST(measured.matched_coverage_percentage AS DOUBLE)) > 1E308,
                TRUE
              )
              THEN CONCAT(
                'Matched coverage: ',
                COALESCE(CAST(measured.matched_coverage_percentage AS STRING), 'no data'),
                ' (critical < 90%)'
              )
            END,
            CASE
              WHEN COALESCE(
                measured.null_company_names > 50.0
                OR ABS(CAST(measured.null_company_names AS DOUBLE)) > 1E308,
                TRUE
              )
              THEN CONCAT(
                'Missing company names: ',
                COALESCE(CAST(measured.null_company_names AS STRING), 'no data'),
                ' (critical > 50)'
              )
            END,
            CASE
              WHEN COALESCE(
                measured.coverage_percentage < 90.0
                OR ABS(CAST(measured.coverage_percentage AS DOUBLE)) > 1E308,
                TRUE
              )
              THEN CONCAT(
                'Coverage of Salesforce: ',
                COALESCE(CAST(measured.coverage_percentage AS STRING), 'no data'),
                ' (critical < 90%)'
              )
            END,
            CASE
              WHEN COALESCE(
                measured.data_quality_percentage < 95.0
                OR ABS(CAST(measured.data_quality_percentage AS DOUBLE)) > 1E308,
                TRUE
              )
              THEN CONCAT(
                'Data quality: ',
                COALESCE(CAST(measured.data_quality_percentage AS STRING), 'no data'),
                ' (critical < 95%)'
              )
            END
          )
        ) AS finding
      FROM (
        WITH live AS (
          SELECT
            sf_property_id_c AS sfdc_id,
            REGEXP_LIKE(
              COALESCE(company_name_c, ''),
              '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$'
            ) AS nameless,
            TRIM(company_name_c) = TRIM(name) AS misnamed,
            GREATEST(created_date, last_modified_date) AS written_at
          FROM hive_metastore.salesforce.product_property
          WHERE
            NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
        ), salesforce AS (
          SELECT
            NULLIF(COUNT(*), 0) AS live_rows,
            COUNT(CASE WHEN nameless THEN 1 END) AS nameless,
            COUNT(CASE WHEN misnamed AND NOT nameless THEN 1 END) AS misnamed,
            MAX(written_at) AS newest
          FROM live
        ), rds AS (
          SELECT
            NULLIF(COUNT(*), 0) AS total,
            NULLIF(COUNT(CASE WHEN e.has_valid_sfdc_id = 1 THEN 1 END), 0) AS valid,
            COUNT(CASE WHEN e.is_active = 1 THEN 1 END) AS active,
            COUNT(CASE WHEN e.has_valid_sfdc_id = 1 AND NOT known.sfdc_id IS NULL THEN 1 END) AS matched,
            COUNT(
              CASE
                WHEN NOT known.sfdc_id IS NULL
                AND REGEXP_LIKE(
                  COALESCE(e.company_name, ''),
                  '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$'
                )
                THEN 1
              END
            ) AS nameless,
            COUNT(
              CASE
                WHEN NOT known.sfdc_id IS NULL AND TRIM(e.company_name) = TRIM(e.property_name)
                THEN 1
              END
            ) AS misnamed,
            MAX(e.updated_at) AS newest
          FROM rds_properties_enriched AS e
          LEFT JOIN (
            SELECT DISTINCT
              sfdc_id
            FROM live
          ) AS known
            ON known.sfdc_id = e.sfdc_id
        )
        SELECT
          CAST(COALESCE(salesforce.live_rows, 0) AS BIGINT) AS salesforce_rows,
          CAST(CASE WHEN salesforce.live_rows > 0 THEN salesforce.nameless END AS BIGINT) AS null_company_names,
          CAST(COALESCE(rds.total, 0) AS BIGINT) AS enriched_rows,
          CAST(CASE WHEN rds.total > 0 THEN rds.nameless END AS BIGINT) AS enriched_without_company_name,
          CAST(CASE WHEN rds.total > 0 THEN rds.misnamed END AS BIGINT) AS enriched_named_like_property,
          CAST(CASE WHEN rds.total > 0 THEN rds.active END AS BIGINT) AS active_rds_properties,
          CAST(CASE WHEN rds.total > 0 THEN COALESCE(rds.valid, 0) END AS BIGINT) AS rds_with_sfdc_id,
          CAST(CASE
            WHEN rds.total > 0 AND salesforce.live_rows > 0
            THEN COALESCE(rds.valid, 0) - salesforce.live_rows
          END AS BIGINT) AS gap,
          CASE
            WHEN salesforce.live_rows <= rds.valid AND rds.matched > 0
            THEN 100 * CAST(salesforce.live_rows AS DOUBLE) / rds.valid
          END AS coverage_percentage,
          ROUND(100 * CAST(salesforce.live_rows AS DOUBLE) / rds.valid, 2) AS logged_coverage_percentage,
          100 * CAST(CASE WHEN salesforce.live_rows > 0 THEN rds.matched END AS DOUBLE) / rds.valid AS matched_coverage_percentage,
          100 * CAST(salesforce.misnamed AS DOUBLE) / salesforce.live_rows AS company_name_equals_property_name_percentage,
          100 * CAST(salesforce.live_rows - salesforce.nameless AS DOUBLE) / salesforce.live_rows AS data_quality_percentage,
          GREATEST(salesforce.newest, rds.newest) AS newest_row_at
        FROM salesforce
        CROSS JOIN rds
      ) AS measured
    ) AS found
    WHERE
      NOT finding IS NULL
  )
  SELECT
    finding
  FROM findings
) AS found;
