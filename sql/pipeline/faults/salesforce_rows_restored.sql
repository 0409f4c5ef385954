-- What if the 1,300 deleted Salesforce rows come back from the recycle bin?
UPDATE hive_metastore.salesforce.product_property
SET is_deleted = FALSE
WHERE snappt_property_id_c BETWEEN '111000' AND '112299'
