-- How is the pipeline now? The numbers of the day, and each sync.
-- title: System status · chart: table
WITH parts AS (
  SELECT 1 AS place, 'Coverage' AS part, coverage_status AS status, coverage_percentage AS number, '%' AS unit
  FROM crm.sfdc_dbx.daily_health_check
  UNION ALL
  SELECT 2, 'CREATE and UPDATE backlog', queue_status, CAST(create_queue_count + update_queue_count AS DOUBLE), 'pending'
  FROM crm.sfdc_dbx.daily_health_check
  UNION ALL
  SELECT 3, sync_name, status, CAST(queue_size AS DOUBLE), 'pending'
  FROM crm.sfdc_dbx.sync_health_monitor
)
SELECT
  parts.part,
  parts.status,
  parts.number,
  parts.unit
FROM parts
ORDER BY parts.place, parts.part
