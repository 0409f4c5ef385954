-- Which of these rows does Salesforce lack? They are created there; asked twice it changes nothing.
MERGE INTO hive_metastore.salesforce.product_property AS t
USING (SELECT * FROM crm.census.run_rows WHERE run_id = :run_id AND n BETWEEN :first AND :last) AS s
ON t.snappt_property_id_c = s.snappt_property_id_c
WHEN NOT MATCHED THEN INSERT (
  id,
  name,
  snappt_property_id_c,
  sf_property_id_c,
  company_name_c,
  id_verification_enabled_c,
  bank_linking_enabled_c,
  connected_payroll_enabled_c,
  income_verification_enabled_c,
  fraud_detection_enabled_c,
  created_date,
  last_modified_date,
  is_deleted,
  _fivetran_deleted
) VALUES (
  CONCAT('a1XDEMO', LPAD(s.snappt_property_id_c, 11, '0')),
  s.property_name,
  s.snappt_property_id_c,
  s.sfdc_id,
  s.company_name,
  s.idv_enabled,
  s.bank_linking_enabled,
  s.payroll_enabled,
  s.income_insights_enabled,
  s.document_fraud_enabled,
  CAST(:now AS TIMESTAMP),
  CAST(:now AS TIMESTAMP),
  FALSE,
  FALSE
)
