-- Which features do the generated properties have? Three in four have some, one in five changed since.
INSERT INTO crm.sfdc_dbx.product_property_w_features
WITH numbered AS (
  SELECT
    id,
    id % 100000 AS i,
    age,
    TIMESTAMPADD(DAY, -(20 + 90 * age + id % 200), CAST(:now AS TIMESTAMP)) AS changed_at
  FROM rds.pg_rds_public.properties
  CROSS JOIN (SELECT EXPLODE(SEQUENCE(0, 1)) AS age) AS ages
),
flagged AS (
  SELECT
    id,
    changed_at,
    (i + age) % 10 < 6 AS idv,
    (i + age) % 7 < 3 AS bank,
    (i + age) % 11 < 3 AS payroll,
    (i + age) % 13 < 5 AS income,
    (i + age) % 5 < 4 AS fraud
  FROM numbered
  WHERE i % 4 <> 0 AND (age = 0 OR i % 5 = 0)
)
SELECT
  CAST(id AS STRING) AS property_id,
  idv AS idv_enabled,
  CASE WHEN idv THEN changed_at END AS idv_enabled_at,
  changed_at AS idv_updated_at,
  bank AS bank_linking_enabled,
  CASE WHEN bank THEN changed_at END AS bank_linking_enabled_at,
  changed_at AS bank_linking_updated_at,
  payroll AS payroll_linking_enabled,
  CASE WHEN payroll THEN changed_at END AS payroll_linking_enabled_at,
  changed_at AS payroll_linking_updated_at,
  income AS iv_enabled,
  CASE WHEN income THEN changed_at END AS iv_enabled_at,
  changed_at AS iv_updated_at,
  fraud AS fraud_enabled,
  CASE WHEN fraud THEN changed_at END AS fraud_enabled_at,
  changed_at AS fraud_updated_at
FROM flagged
