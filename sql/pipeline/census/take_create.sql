-- What does the CREATE queue offer to this run? Freezes its rows; asked twice it changes nothing.
INSERT INTO crm.census.run_rows
SELECT
  CAST(:run_id AS BIGINT) AS run_id,
  ROW_NUMBER() OVER (ORDER BY q.rds_last_updated_at, q.rds_property_id) AS n,
  CAST(q.rds_property_id AS STRING) AS snappt_property_id_c,
  q.sfdc_id,
  q.property_name,
  q.company_name,
  q.idv_enabled,
  q.bank_linking_enabled,
  q.payroll_enabled,
  q.income_insights_enabled,
  q.document_fraud_enabled
FROM crm.sfdc_dbx.properties_to_create AS q
WHERE NOT EXISTS (SELECT 1 FROM crm.census.run_rows AS r WHERE r.run_id = :run_id)
