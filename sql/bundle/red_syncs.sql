-- How many syncs are red, and which? Always one row.
SELECT
  COUNT(CASE WHEN status LIKE '🔴%' THEN 1 END) AS red_syncs,
  COALESCE(ARRAY_JOIN(ARRAY_SORT(COLLECT_LIST(CASE WHEN status LIKE '🔴%' THEN CONCAT(sync_name, ': ', status) END)), ', '), '') AS which
FROM crm.sfdc_dbx.sync_health_monitor
