-- Which active properties lack something that Salesforce is to show? The first hundred of those that lack most.
-- title: Properties with missing data · chart: table
WITH checked AS (   -- of a property its ids alone, and what is not there
  SELECT
    CAST(rds_property_id AS STRING) AS rds_property_id,
    CASE WHEN has_valid_sfdc_id = 1 THEN sfdc_id END AS sfdc_id,
    NULLIF(
      CONCAT_WS(
        ', ',
        CASE WHEN has_valid_sfdc_id = 0 THEN 'Salesforce ID' END,
        CASE WHEN COALESCE(company_name, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' THEN 'company name' END,
        CASE WHEN COALESCE(TRIM(property_name), '') = '' THEN 'name' END,
        CASE WHEN COALESCE(TRIM(address), '') = '' THEN 'address' END,
        CASE WHEN COALESCE(TRIM(city), '') = '' THEN 'city' END,
        CASE WHEN COALESCE(TRIM(state), '') = '' THEN 'state' END,
        CASE WHEN COALESCE(TRIM(postal_code), '') = '' THEN 'postal code' END
      ),
      ''
    ) AS missing
  FROM crm.sfdc_dbx.rds_properties_enriched
  WHERE is_active = 1
)
SELECT
  checked.rds_property_id,
  checked.sfdc_id,
  checked.missing
FROM checked
WHERE checked.missing IS NOT NULL
ORDER BY LENGTH(checked.missing) - LENGTH(REPLACE(checked.missing, ',', '')) DESC, checked.rds_property_id
LIMIT 100
