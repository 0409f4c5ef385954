-- What if somebody drops the view that the UPDATE sync reads?
DROP VIEW IF EXISTS crm.sfdc_dbx.properties_to_update
