-- Which properties does the generated estate have? 20,274 that count, and some that the views leave out.
-- By number: 0–19499 have a valid Salesforce id, and 8,629 of these ids are shared round robin; up to 20273 the id is
-- missing, empty or the placeholder; then 310 deleted ones, whose ids the 12 newcomers took over; then 95 without a company.
INSERT INTO rds.pg_rds_public.properties
WITH numbered AS (
  SELECT
    i,
    CASE
      WHEN i BETWEEN 18739 AND 18745 THEN i             -- seven disabled ones with an id of their own
      WHEN i BETWEEN 19500 AND 20273 THEN NULL
      WHEN i BETWEEN 20274 AND 20583 THEN 8617 + i % 12
      WHEN i > 20583 THEN i
      ELSE i % 8629
    END AS shared
  FROM (SELECT EXPLODE(SEQUENCE(0, 20678)) AS i) AS numbers
)
SELECT
  100000 + i AS id,
  CASE
    WHEN shared IS NOT NULL THEN CONCAT('a0XDEMO', LPAD(CAST(shared AS STRING), 11, '0'))
    WHEN i % 3 = 0 THEN 'XXXXXXXXXXXXXXX'
    WHEN i % 3 = 1 THEN ''
  END AS sfdc_id,
  CONCAT('p', LPAD(CAST(i AS STRING), 5, '0')) AS short_id,
  CASE
    WHEN i > 20583 THEN NULL
    WHEN i > 20273 OR shared IS NULL THEN 1 + i % 440   -- some of these companies are gone
    ELSE 1 + shared % 431
  END AS company_id,
  CONCAT('Property ', LPAD(CAST(i AS STRING), 5, '0')) AS name,
  CASE
    WHEN i BETWEEN 20274 AND 20583 THEN 'DELETED'
    WHEN i BETWEEN 18739 AND 18745 OR (i > 8628 AND i % 9 = 4) THEN 'DISABLED'
    ELSE 'ACTIVE'
  END AS status,
  CONCAT(CAST(1 + i % 900 AS STRING), ' Example Street') AS address,
  CONCAT('Town ', LPAD(CAST(i % 60 AS STRING), 2, '0')) AS city,
  SUBSTRING('CATXFLNYWAAZCOORNVGA', 1 + 2 * (i % 10), 2) AS state,
  LPAD(CAST(i % 1000 AS STRING), 5, '0') AS zip,
  CASE
    WHEN shared BETWEEN 8617 AND 8628 AND i < 19500 THEN TIMESTAMPADD(MINUTE, -(5 + i % 12), CAST(:now AS TIMESTAMP))
    ELSE TIMESTAMPADD(HOUR, -(21000 - i), CAST(:now AS TIMESTAMP))
  END AS inserted_at,
  CASE
    WHEN shared BETWEEN 8617 AND 8628 AND i < 19500 THEN TIMESTAMPADD(MINUTE, -(2 + i % 12), CAST(:now AS TIMESTAMP))
    WHEN shared < 8460 AND shared % 47 = 5 THEN TIMESTAMPADD(MINUTE, -(2 + i % 12), CAST(:now AS TIMESTAMP))
    ELSE TIMESTAMPADD(MINUTE, -(1500 + (i * 37) % 400000), CAST(:now AS TIMESTAMP))
  END AS updated_at
FROM numbered
