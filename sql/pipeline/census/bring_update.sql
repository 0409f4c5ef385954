-- What do these rows say in Salesforce? From now on what the run carries.
MERGE INTO hive_metastore.salesforce.product_property AS t
USING (SELECT * FROM crm.census.run_rows WHERE run_id = :run_id AND n BETWEEN :first AND :last) AS s
ON t.snappt_property_id_c = s.snappt_property_id_c
WHEN MATCHED THEN UPDATE SET
  name = s.property_name,
  company_name_c = s.company_name,
  id_verification_enabled_c = s.idv_enabled,
  bank_linking_enabled_c = s.bank_linking_enabled,
  connected_payroll_enabled_c = s.payroll_enabled,
  income_verification_enabled_c = s.income_insights_enabled,
  fraud_detection_enabled_c = s.document_fraud_enabled,
  last_modified_date = CAST(:now AS TIMESTAMP)
