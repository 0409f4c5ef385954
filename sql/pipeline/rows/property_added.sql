-- What comes new in a working day? Every step one property with an id of its own, which Salesforce does not have yet.
INSERT INTO rds.pg_rds_public.properties
SELECT
  200000 + day.step AS id,
  CONCAT('a0XDEMN', LPAD(CAST(day.step AS STRING), 11, '0')) AS sfdc_id,
  CONCAT('n', LPAD(CAST(day.step AS STRING), 5, '0')) AS short_id,
  1 + day.step % 419 AS company_id,   -- none of those that the view bug loses: its alert is about the UPDATE sync
  CONCAT('New Property ', LPAD(CAST(day.step AS STRING), 5, '0')) AS name,
  'ACTIVE' AS status,
  '1 Example Street' AS address,
  'Town 01' AS city,
  'CA' AS state,
  '00001' AS zip,
  CAST(:now AS TIMESTAMP) AS inserted_at,
  CAST(:now AS TIMESTAMP) AS updated_at
FROM (SELECT CAST(:step AS INT) AS step) AS day
WHERE NOT EXISTS (SELECT 1 FROM rds.pg_rds_public.properties AS p WHERE p.id = 200000 + day.step)
