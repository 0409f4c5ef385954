-- How healthy is the data? Every number that the checks of this pipeline judge, in one row; NULL where there is nothing to
-- measure. The backlogs are counted in the same statement, from what pipeline.yml says of each sync.
WITH live AS (
  SELECT
    sf_property_id_c AS sfdc_id,
    COALESCE(company_name_c, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' AS nameless,
    TRIM(company_name_c) = TRIM(name) AS misnamed,
    GREATEST(created_date, last_modified_date) AS written_at
  FROM hive_metastore.salesforce.product_property
  WHERE NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
),
salesforce AS (
  SELECT
    NULLIF(COUNT(*), 0) AS live_rows,
    COUNT(CASE WHEN nameless THEN 1 END) AS nameless,
    COUNT(CASE WHEN misnamed AND NOT nameless THEN 1 END) AS misnamed,
    MAX(written_at) AS newest
  FROM live
),
rds AS (
  SELECT
    NULLIF(COUNT(*), 0) AS total,
    NULLIF(COUNT(CASE WHEN e.has_valid_sfdc_id = 1 THEN 1 END), 0) AS valid,
    COUNT(CASE WHEN e.is_active = 1 THEN 1 END) AS active,
    COUNT(CASE WHEN e.has_valid_sfdc_id = 1 AND known.sfdc_id IS NOT NULL THEN 1 END) AS matched,
    COUNT(
      CASE WHEN known.sfdc_id IS NOT NULL AND COALESCE(e.company_name, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' THEN 1 END
    ) AS nameless,
    COUNT(CASE WHEN known.sfdc_id IS NOT NULL AND TRIM(e.company_name) = TRIM(e.property_name) THEN 1 END) AS misnamed,
    MAX(e.updated_at) AS newest
  FROM crm.sfdc_dbx.rds_properties_enriched AS e
  LEFT JOIN (SELECT DISTINCT sfdc_id FROM live) AS known
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
  CAST(CASE WHEN rds.total > 0 AND salesforce.live_rows > 0 THEN COALESCE(rds.valid, 0) - salesforce.live_rows END AS BIGINT) AS gap,
  CASE   -- more rows than ids, or no id in common: this is no coverage
    WHEN salesforce.live_rows <= rds.valid AND rds.matched > 0 THEN 100 * CAST(salesforce.live_rows AS DOUBLE) / rds.valid
  END AS coverage_percentage,
  ROUND(100 * CAST(salesforce.live_rows AS DOUBLE) / rds.valid, 2) AS logged_coverage_percentage,   -- also above 100
  100 * CAST(CASE WHEN salesforce.live_rows > 0 THEN rds.matched END AS DOUBLE) / rds.valid AS matched_coverage_percentage,
  100 * CAST(salesforce.misnamed AS DOUBLE) / salesforce.live_rows AS company_name_equals_property_name_percentage,
  100 * CAST(salesforce.live_rows - salesforce.nameless AS DOUBLE) / salesforce.live_rows AS data_quality_percentage,
  GREATEST(salesforce.newest, rds.newest) AS newest_row_at
FROM salesforce
CROSS JOIN rds
