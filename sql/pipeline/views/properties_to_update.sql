-- Where does Salesforce say something else? The UPDATE queue: it compares what the sync writes, so a run empties it.
CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_to_update
COMMENT 'Made by sync-health deploy, which replaces it' AS
WITH live AS (
  SELECT
    p.*,
    ROW_NUMBER() OVER (PARTITION BY p.sf_property_id_c ORDER BY p.created_date, p.id) AS age
  FROM hive_metastore.salesforce.product_property AS p
  WHERE p.snappt_property_id_c IS NOT NULL
    AND NOT COALESCE(p.is_deleted, FALSE)
    AND NOT COALESCE(p._fivetran_deleted, FALSE)
)
SELECT
  s.snappt_property_id_c,
  a.rds_property_id,
  a.sfdc_id,
  a.short_id,
  a.company_id,
  a.property_name,
  a.address,
  a.city,
  a.state,
  a.postal_code,
  a.company_name,
  a.idv_enabled,
  a.bank_linking_enabled,
  a.payroll_enabled,
  a.income_insights_enabled,
  a.document_fraud_enabled,
  a.idv_enabled_at,
  a.bank_linking_enabled_at,
  a.payroll_enabled_at,
  a.income_insights_enabled_at,
  a.document_fraud_enabled_at,
  a.created_at,
  a.rds_last_updated_at,
  a.active_property_count,
  a.total_feature_count,
  a.is_multi_property,
  a.has_any_features_enabled
FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id AS a
INNER JOIN live AS s
  ON s.sf_property_id_c = a.sfdc_id AND s.age = 1   -- the oldest row: a sync never changes which one that is
WHERE s.name IS DISTINCT FROM a.property_name
  OR s.company_name_c IS DISTINCT FROM a.company_name
  OR s.id_verification_enabled_c IS DISTINCT FROM a.idv_enabled
  OR s.bank_linking_enabled_c IS DISTINCT FROM a.bank_linking_enabled
  OR s.connected_payroll_enabled_c IS DISTINCT FROM a.payroll_enabled
  OR s.income_verification_enabled_c IS DISTINCT FROM a.income_insights_enabled
  OR s.fraud_detection_enabled_c IS DISTINCT FROM a.document_fraud_enabled
