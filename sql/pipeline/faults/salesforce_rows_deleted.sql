-- What if somebody deletes 1,300 Salesforce rows? Each of their ids keeps another row: the CREATE queue sees nothing.
UPDATE hive_metastore.salesforce.product_property
SET is_deleted = TRUE
WHERE snappt_property_id_c BETWEEN '111000' AND '112299'
