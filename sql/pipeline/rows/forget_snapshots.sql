-- Which snapshots does a new estate begin with? None.
-- Empties the log: for a demo's own catalog, never where the pipeline lives.
DELETE FROM crm.sfdc_dbx.sync_audit_log
