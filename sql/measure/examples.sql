-- Which three rows show what a number says? Ids alone: of rows in Salesforce the newest, of properties the longest waiting.
WITH live AS (
  SELECT
    id,
    sf_property_id_c AS sfdc_id,
    COALESCE(company_name_c, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' AS nameless,
    TRIM(company_name_c) = TRIM(name) AS misnamed,
    last_modified_date
  FROM hive_metastore.salesforce.product_property
  WHERE NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
),
found AS (
  SELECT 'row' AS kind, CAST(id AS STRING) AS id, last_modified_date AS at
  FROM live
  WHERE :metric IN ('null_company_names', 'data_quality_percentage') AND nameless
  UNION ALL
  SELECT 'row' AS kind, CAST(id AS STRING) AS id, last_modified_date AS at
  FROM live
  WHERE :metric = 'company_name_equals_property_name_percentage' AND misnamed AND NOT nameless
  UNION ALL
  SELECT 'record' AS kind, CAST(e.rds_property_id AS STRING) AS id, e.updated_at AS at
  FROM crm.sfdc_dbx.rds_properties_enriched AS e
  LEFT JOIN (SELECT DISTINCT sfdc_id FROM live) AS known
    ON known.sfdc_id = e.sfdc_id
  WHERE :metric = 'coverage_percentage' AND e.has_valid_sfdc_id = 1 AND known.sfdc_id IS NULL
)
SELECT
  found.kind,
  found.id
FROM found
ORDER BY CASE WHEN found.kind = 'row' THEN found.at END DESC, found.at, found.id
LIMIT 3
