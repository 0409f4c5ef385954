-- What were the companies of these 1,100 Salesforce rows? As generated.
MERGE INTO hive_metastore.salesforce.product_property AS t
USING rds.pg_rds_public.companies AS c
ON t.snappt_property_id_c BETWEEN '109700' AND '110799'
  AND c.id = 1 + (CAST(t.snappt_property_id_c AS BIGINT) - 100000) % 8629 % 431
WHEN MATCHED THEN UPDATE SET company_name_c = c.name
