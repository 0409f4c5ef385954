-- Which companies does the generated estate have? 431 that exist and 9 that are gone.
INSERT INTO rds.pg_rds_public.companies
SELECT
  i AS id,
  CONCAT('Company ', LPAD(CAST(i AS STRING), 4, '0')) AS name,
  i > 431 AS _fivetran_deleted
FROM (SELECT EXPLODE(SEQUENCE(1, 440)) AS i) AS numbers
