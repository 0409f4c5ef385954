-- How is each sync now?
-- title: System status · chart: table
SELECT
  m.sync_name,
  m.status,
  m.queue_size,
  m.records_today,
  m.hours_since_last_sync
FROM crm.sfdc_dbx.sync_health_monitor AS m
ORDER BY m.sync_name
