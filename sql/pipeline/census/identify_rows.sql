-- What does Census call the identifiers of the rows that this run carries between these two numbers?
SELECT
  snappt_property_id_c AS identifier
FROM crm.census.run_rows
WHERE run_id = :run_id AND n BETWEEN :first AND :last
ORDER BY n
