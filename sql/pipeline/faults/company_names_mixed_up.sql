-- What if 1,100 Salesforce rows get the property's name for a company? The very signature of the view bug of old.
UPDATE hive_metastore.salesforce.product_property
SET company_name_c = name
WHERE snappt_property_id_c BETWEEN '109700' AND '110799'
