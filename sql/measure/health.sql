-- How healthy is the pipeline? Every number that the checks judge, in one row; NULL where there is nothing to measure.
WITH salesforce AS (
  SELECT
    COUNT(*) AS live_rows,
    COUNT(CASE WHEN COALESCE(TRIM(company_name_c), '') = '' THEN 1 END) AS nameless
  FROM hive_metastore.salesforce.product_property
  WHERE NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
),
rds AS (
  SELECT COUNT(*) AS total
  FROM crm.sfdc_dbx.rds_properties_enriched
),
to_create AS (
  SELECT
    COUNT(*) AS waiting,
    COUNT(CASE WHEN COALESCE(TRIM(company_name), '') IN ('', property_name) THEN 1 END) AS suspicious
  FROM crm.sfdc_dbx.properties_to_create
),
to_update AS (
  SELECT
    COUNT(*) AS waiting,
    COUNT(CASE WHEN COALESCE(TRIM(company_name), '') IN ('', property_name) THEN 1 END) AS suspicious
  FROM crm.sfdc_dbx.properties_to_update
)
SELECT
  CAST(salesforce.live_rows AS BIGINT) AS salesforce_rows,
  CAST(CASE WHEN salesforce.live_rows > 0 THEN salesforce.nameless END AS BIGINT) AS null_company_names,
  CAST(rds.total AS BIGINT) AS enriched_rows,
  CAST(CASE WHEN rds.total > 0 AND salesforce.live_rows > 0 THEN to_create.waiting END AS BIGINT) AS create_queue,
  CAST(CASE WHEN rds.total > 0 AND salesforce.live_rows > 0 THEN to_update.waiting END AS BIGINT) AS update_queue,
  CAST(CASE WHEN rds.total > 0 AND salesforce.live_rows > 0 THEN to_create.suspicious END AS BIGINT) AS create_queue_suspicious,
  CAST(CASE WHEN rds.total > 0 AND salesforce.live_rows > 0 THEN to_update.suspicious END AS BIGINT) AS update_queue_suspicious
FROM salesforce
CROSS JOIN rds
CROSS JOIN to_create
CROSS JOIN to_update
