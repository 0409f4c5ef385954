-- What is Salesforce missing? The CREATE queue: ids without a live row there.
CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_to_create
COMMENT 'Made by sync-health deploy, which replaces it' AS
SELECT
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
WHERE NOT EXISTS (
  SELECT 1
  FROM hive_metastore.salesforce.product_property AS s
  WHERE s.sf_property_id_c = a.sfdc_id
    AND NOT COALESCE(s.is_deleted, FALSE)
    AND NOT COALESCE(s._fivetran_deleted, FALSE)
)
