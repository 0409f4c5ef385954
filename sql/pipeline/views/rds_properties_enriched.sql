-- What do we know of every property? One row each, with its company and its features; deleted ones are left out.
CREATE OR REPLACE VIEW crm.sfdc_dbx.rds_properties_enriched
COMMENT 'Made by sync-health deploy, which replaces it' AS
WITH features AS (
  SELECT
    w.*,
    ROW_NUMBER() OVER (
      PARTITION BY w.property_id
      ORDER BY GREATEST(
        w.idv_updated_at, w.bank_linking_updated_at, w.payroll_linking_updated_at, w.iv_updated_at, w.fraud_updated_at
      ) DESC NULLS LAST
    ) AS recency
  FROM crm.sfdc_dbx.product_property_w_features AS w
)
SELECT
  p.id AS rds_property_id,
  p.sfdc_id,
  p.short_id,
  p.company_id,
  p.name AS property_name,
  p.status AS property_status,
  p.address,
  p.city,
  p.state,
  p.zip AS postal_code,
  c.name AS company_name,
  p.inserted_at AS created_at,
  p.updated_at,
  COALESCE(f.idv_enabled, FALSE) AS idv_enabled,
  COALESCE(f.bank_linking_enabled, FALSE) AS bank_linking_enabled,
  COALESCE(f.payroll_linking_enabled, FALSE) AS payroll_enabled,
  COALESCE(f.iv_enabled, FALSE) AS income_insights_enabled,
  COALESCE(f.fraud_enabled, FALSE) AS document_fraud_enabled,
  f.idv_enabled_at,
  f.bank_linking_enabled_at,
  f.payroll_linking_enabled_at AS payroll_enabled_at,
  f.iv_enabled_at AS income_insights_enabled_at,
  f.fraud_enabled_at AS document_fraud_enabled_at,
  CASE WHEN p.status = 'ACTIVE' THEN 1 ELSE 0 END AS is_active,
  CASE WHEN TRIM(p.sfdc_id) NOT IN ('', 'XXXXXXXXXXXXXXX') THEN 1 ELSE 0 END AS has_valid_sfdc_id
FROM rds.pg_rds_public.properties AS p
LEFT JOIN rds.pg_rds_public.companies AS c
  ON c.id = p.company_id AND NOT COALESCE(c._fivetran_deleted, FALSE)
LEFT JOIN features AS f
  ON f.property_id = CAST(p.id AS STRING) AND f.recency = 1
WHERE COALESCE(p.status, '') <> 'DELETED' AND p.company_id IS NOT NULL
