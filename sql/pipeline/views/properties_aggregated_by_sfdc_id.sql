-- What should Salesforce say about each of its ids? One row per sfdc_id, from all active properties that share it.
CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_aggregated_by_sfdc_id
COMMENT 'Made by sync-health deploy, which replaces it' AS
WITH active AS (
  SELECT
    e.*,
    ROW_NUMBER() OVER (PARTITION BY e.sfdc_id ORDER BY e.updated_at DESC NULLS LAST, e.rds_property_id) AS recency
  FROM crm.sfdc_dbx.rds_properties_enriched AS e
  WHERE e.is_active = 1 AND e.has_valid_sfdc_id = 1
),
grouped AS (
  SELECT
    sfdc_id,
    COUNT(*) AS active_property_count,
    MAX(updated_at) AS rds_last_updated_at,
    BOOL_OR(idv_enabled) AS idv_enabled,
    BOOL_OR(bank_linking_enabled) AS bank_linking_enabled,
    BOOL_OR(payroll_enabled) AS payroll_enabled,
    BOOL_OR(income_insights_enabled) AS income_insights_enabled,
    BOOL_OR(document_fraud_enabled) AS document_fraud_enabled,
    MIN(idv_enabled_at) AS idv_enabled_at,
    MIN(bank_linking_enabled_at) AS bank_linking_enabled_at,
    MIN(payroll_enabled_at) AS payroll_enabled_at,
    MIN(income_insights_enabled_at) AS income_insights_enabled_at,
    MIN(document_fraud_enabled_at) AS document_fraud_enabled_at
  FROM active
  GROUP BY sfdc_id
),
counted AS (
  SELECT
    grouped.*,
    CAST(idv_enabled AS INT) + CAST(bank_linking_enabled AS INT) + CAST(payroll_enabled AS INT)
      + CAST(income_insights_enabled AS INT) + CAST(document_fraud_enabled AS INT) AS total_feature_count
  FROM grouped
)
SELECT
  latest.rds_property_id,
  latest.sfdc_id,
  latest.short_id,
  latest.company_id,
  latest.property_name,
  latest.address,
  latest.city,
  latest.state,
  latest.postal_code,
  latest.company_name,
  g.idv_enabled,
  g.bank_linking_enabled,
  g.payroll_enabled,
  g.income_insights_enabled,
  g.document_fraud_enabled,
  g.idv_enabled_at,
  g.bank_linking_enabled_at,
  g.payroll_enabled_at,
  g.income_insights_enabled_at,
  g.document_fraud_enabled_at,
  latest.created_at,
  g.rds_last_updated_at,
  g.active_property_count,
  g.total_feature_count,
  g.active_property_count > 1 AS is_multi_property,
  g.total_feature_count > 0 AS has_any_features_enabled
FROM counted AS g
INNER JOIN active AS latest
  ON latest.sfdc_id = g.sfdc_id AND latest.recency = 1
