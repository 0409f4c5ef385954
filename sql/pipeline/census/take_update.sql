-- What does the UPDATE queue offer to this run? Freezes its rows; asked twice it changes nothing.
INSERT INTO crm.census.run_rows
SELECT
  CAST(:run_id AS BIGINT) AS run_id,
  ROW_NUMBER() OVER (ORDER BY q.rds_last_updated_at, q.snappt_property_id_c) AS n,
  q.snappt_property_id_c AS snappt_property_id_c,
  q.sfdc_id,
  q.property_name,
  q.company_name,
  q.idv_enabled,
  q.bank_linking_enabled,
  q.payroll_enabled,
  q.income_insights_enabled,
  q.document_fraud_enabled
FROM crm.sfdc_dbx.properties_to_update AS q
WHERE NOT EXISTS (SELECT 1 FROM crm.census.run_rows AS r WHERE r.run_id = :run_id)
