-- What if 900 Salesforce rows lose their company? Rows that no queue looks at: a rerun does not bring it back.
UPDATE hive_metastore.salesforce.product_property
SET company_name_c = NULL
WHERE snappt_property_id_c BETWEEN '108700' AND '109599'
