-- Which snapshot did somebody take by hand since then? The latest one, if any.
SELECT
  audit_id
FROM crm.sfdc_dbx.sync_audit_log
WHERE audit_id LIKE 'manual#_snapshot#_%' ESCAPE '#' AND execution_timestamp > CAST(:since AS TIMESTAMP)
  AND execution_timestamp <= CAST(:now AS TIMESTAMP)
ORDER BY execution_timestamp DESC
LIMIT 1
