-- Which tables and views may the login read? Unity Catalog answers; hive_metastore is not among what it knows.
SELECT
  t.table_catalog,
  t.table_schema,
  t.table_name
FROM system.information_schema.tables AS t
WHERE
  t.table_schema <> 'information_schema'
  AND NOT t.table_catalog IN ('system', 'temp', 'samples', '__databricks_internal')
ORDER BY
  t.table_catalog,
  t.table_schema,
  t.table_name
LIMIT 10000
