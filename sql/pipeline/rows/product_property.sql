-- What does Salesforce hold of the generated estate? 18,722 live rows, 12 properties short and 180 behind, and 100 dead rows.
INSERT INTO hive_metastore.salesforce.product_property
WITH live AS (
  SELECT
    e.rds_property_id % 100000 AS i,
    CASE WHEN e.rds_property_id % 100000 > 18738 THEN -1 ELSE e.rds_property_id % 100000 % 8629 END AS shared,
    e.*,
    a.property_name AS current_name,
    a.company_name AS current_company,
    a.idv_enabled AS idv,
    a.bank_linking_enabled AS bank,
    a.payroll_enabled AS payroll,
    a.income_insights_enabled AS income,
    a.document_fraud_enabled AS fraud
  FROM crm.sfdc_dbx.rds_properties_enriched AS e
  LEFT JOIN crm.sfdc_dbx.properties_aggregated_by_sfdc_id AS a ON a.sfdc_id = e.sfdc_id
  WHERE e.rds_property_id % 100000 < 18746
),
behind AS (
  SELECT
    live.*,
    shared < 8460 AND shared % 47 = 5 AND shared % 2 = 0 AS old_flag,
    shared < 8460 AND shared % 47 = 5 AND shared % 2 = 1 AS old_name
  FROM live
  WHERE shared NOT BETWEEN 8617 AND 8628
)
SELECT
  CONCAT('a1XDEMO', LPAD(CAST(i AS STRING), 11, '0')) AS id,
  CASE
    WHEN old_name THEN CONCAT(property_name, ' (old name)')
    WHEN i < 8629 THEN current_name
    ELSE property_name
  END AS name,
  CAST(rds_property_id AS STRING) AS snappt_property_id_c,
  sfdc_id AS sf_property_id_c,
  CASE                                                  -- without an active property nobody fills these seven in
    WHEN i > 18738 AND i % 2 = 0 THEN ''
    ELSE current_company
  END AS company_name_c,
  COALESCE(idv, FALSE) AS id_verification_enabled_c,
  COALESCE(bank <> old_flag, FALSE) AS bank_linking_enabled_c,
  COALESCE(payroll, FALSE) AS connected_payroll_enabled_c,
  COALESCE(income, FALSE) AS income_verification_enabled_c,
  COALESCE(fraud, FALSE) AS fraud_detection_enabled_c,
  TIMESTAMPADD(MINUTE, 20, created_at) AS created_date,
  TIMESTAMPADD(MINUTE, -(30 + i % 30000), CAST(:now AS TIMESTAMP)) AS last_modified_date,
  FALSE AS is_deleted,
  FALSE AS _fivetran_deleted
FROM behind
UNION ALL
SELECT
  CONCAT('a1XDEMO', LPAD(CAST(p.id % 100000 AS STRING), 11, '0')) AS id,
  p.name,
  CAST(p.id AS STRING) AS snappt_property_id_c,
  p.sfdc_id AS sf_property_id_c,
  CAST(NULL AS STRING) AS company_name_c,
  FALSE AS id_verification_enabled_c,
  FALSE AS bank_linking_enabled_c,
  FALSE AS connected_payroll_enabled_c,
  FALSE AS income_verification_enabled_c,
  FALSE AS fraud_detection_enabled_c,
  p.inserted_at AS created_date,
  p.updated_at AS last_modified_date,
  p.id % 5 < 3 AS is_deleted,
  p.id % 5 > 2 AS _fivetran_deleted
FROM rds.pg_rds_public.properties AS p
WHERE p.status = 'DELETED' AND p.id % 100000 < 20374
