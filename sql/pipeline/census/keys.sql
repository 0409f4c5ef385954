-- Which records does this run carry, by the key under which the sync writes them? In the order in which they are written.
SELECT
  snappt_property_id_c AS key
FROM crm.census.run_rows
WHERE run_id = :run_id
ORDER BY n
