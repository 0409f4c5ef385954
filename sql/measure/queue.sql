-- What is in the backlogs? Per queue: its total, its biggest states and companies, its first records, suspect records.
WITH waiting AS (
  SELECT
    'create' AS direction,
    rds_property_id,
    sfdc_id,
    property_name,
    company_name,
    state,
    rds_last_updated_at
  FROM crm.sfdc_dbx.properties_to_create
  WHERE :direction IN ('create', 'both')
  UNION ALL
  SELECT
    'update' AS direction,
    rds_property_id,
    sfdc_id,
    property_name,
    company_name,
    state,
    rds_last_updated_at
  FROM crm.sfdc_dbx.properties_to_update
  WHERE :direction IN ('update', 'both')
),
judged AS (
  SELECT
    waiting.direction,
    CAST(waiting.rds_property_id AS STRING) AS rds_property_id,
    waiting.sfdc_id,
    COALESCE(TRIM(waiting.company_name), '') AS company,
    COALESCE(TRIM(waiting.state), '') AS state,
    waiting.rds_last_updated_at,
    CASE
      WHEN COALESCE(waiting.company_name, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' THEN 'no company name'
      WHEN TRIM(waiting.company_name) = TRIM(waiting.property_name) THEN 'company name is the property name'
    END AS wrong
  FROM waiting
),
sources AS (
  SELECT COUNT(*) AS known
  FROM crm.sfdc_dbx.rds_properties_enriched
),
destinations AS (
  SELECT COUNT(*) AS known
  FROM hive_metastore.salesforce.product_property
  WHERE NOT COALESCE(is_deleted, FALSE) AND NOT COALESCE(_fivetran_deleted, FALSE)
),
grouped AS (
  SELECT
    direction,
    CASE WHEN GROUPING(state) = 0 THEN 'state' WHEN GROUPING(company) = 0 THEN 'company' ELSE 'total' END AS part,
    CASE WHEN GROUPING(state) = 0 THEN state WHEN GROUPING(company) = 0 THEN company END AS label,
    COUNT(*) AS waiting,
    COUNT(wrong) AS suspicious,
    MIN(rds_last_updated_at) AS oldest_at
  FROM judged
  GROUP BY GROUPING SETS ((direction), (direction, state), (direction, company))
),
ranked AS (
  SELECT
    grouped.*,
    ROW_NUMBER() OVER (PARTITION BY direction, part ORDER BY waiting DESC, label) AS place
  FROM grouped
),
numbered AS (
  SELECT
    judged.*,
    ROW_NUMBER() OVER (PARTITION BY direction ORDER BY rds_last_updated_at, rds_property_id) AS n,
    ROW_NUMBER() OVER (PARTITION BY direction, wrong ORDER BY rds_last_updated_at, rds_property_id) AS wrong_n
  FROM judged
),
answer AS (
  SELECT
    direction,
    part,
    label,
    waiting,
    suspicious,
    oldest_at,
    place,
    CAST(NULL AS STRING) AS rds_property_id,
    CAST(NULL AS STRING) AS sfdc_id,
    CAST(NULL AS STRING) AS wrong
  FROM ranked
  WHERE place <= :most
  UNION ALL
  SELECT direction, CASE WHEN n <= :most THEN 'first' ELSE 'wrong' END, company, 1, 0,
    rds_last_updated_at, n, rds_property_id, sfdc_id, wrong
  FROM numbered
  WHERE n <= :most OR (wrong IS NOT NULL AND wrong_n <= :most)
  UNION ALL
  SELECT 'both', 'measurable', NULL, LEAST(sources.known, destinations.known), 0, NULL, 1, NULL, NULL, NULL
  FROM sources
  CROSS JOIN destinations
)
SELECT
  answer.direction,
  answer.part,
  answer.label,
  CAST(answer.waiting AS BIGINT) AS waiting,
  CAST(answer.suspicious AS BIGINT) AS suspicious,
  answer.oldest_at,
  answer.rds_property_id,
  answer.sfdc_id,
  answer.wrong
FROM answer
ORDER BY answer.direction, answer.part, answer.place
