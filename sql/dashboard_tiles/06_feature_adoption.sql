-- Which share of the properties in Salesforce has each feature now?
-- title: Feature adoption · chart: bar · unit: % · x: feature · y: share
WITH salesforce AS (
  SELECT
    COUNT(*) AS total,
    COUNT(CASE WHEN id_verification_enabled_c THEN 1 END) AS idv,
    COUNT(CASE WHEN bank_linking_enabled_c THEN 1 END) AS bank_linking,
    COUNT(CASE WHEN connected_payroll_enabled_c THEN 1 END) AS payroll,
    COUNT(CASE WHEN income_verification_enabled_c THEN 1 END) AS income,
    COUNT(CASE WHEN fraud_detection_enabled_c THEN 1 END) AS fraud_detection
  FROM hive_metastore.salesforce.product_property
  WHERE NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
),
features AS (
  SELECT 'IDV' AS feature, idv AS properties, total FROM salesforce
  UNION ALL
  SELECT 'Bank linking', bank_linking, total FROM salesforce
  UNION ALL
  SELECT 'Payroll', payroll, total FROM salesforce
  UNION ALL
  SELECT 'Income', income, total FROM salesforce
  UNION ALL
  SELECT 'Fraud detection', fraud_detection, total FROM salesforce
)
SELECT
  features.feature,
  100 * CAST(features.properties AS DOUBLE) / features.total AS share
FROM features
WHERE features.total > 0
ORDER BY share DESC, features.feature
