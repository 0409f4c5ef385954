-- Is this run in the audit log, and with which counts? Its row, where it is.
SELECT
  audit_id,
  records_processed,
  records_succeeded,
  records_failed
FROM crm.sfdc_dbx.sync_audit_log
WHERE audit_id = :audit_id
