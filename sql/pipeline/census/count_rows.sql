-- How many rows does this run carry between these two numbers?
SELECT
  CAST(COUNT(*) AS BIGINT) AS row_count
FROM crm.census.run_rows
WHERE run_id = :run_id AND n BETWEEN :first AND :last
