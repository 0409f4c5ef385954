-- What is pending in the queue of a sync? Its total, its biggest groups, its first records, suspect records.
WITH pending AS (   -- what pipeline.yml says of the sync stands here: key, changed_at, group_by, suspect
  SELECT
    CAST(rds_property_id AS STRING) AS key_0,
    CAST(sfdc_id AS STRING) AS key_1,
    CAST(NULL AS STRING) AS key_2,
    rds_last_updated_at AS changed_at,
    CAST(state AS STRING) AS group_0,
    CASE WHEN TRIM(company_name) = TRIM(property_name) THEN 0 END AS suspect
  FROM crm.sfdc_dbx.properties_to_update
),
grouped AS (
  SELECT
    'total' AS kind,
    CAST(NULL AS STRING) AS part,
    CAST(NULL AS STRING) AS label,
    COUNT(*) AS records,
    COUNT(suspect) AS suspects,
    MIN(changed_at) AS oldest_at
  FROM pending
  UNION ALL
  SELECT
    'group' AS kind,
    'state' AS part,
    COALESCE(TRIM(group_0), '') AS label,
    COUNT(*) AS records,
    COUNT(suspect) AS suspects,
    MIN(changed_at) AS oldest_at
  FROM pending
  GROUP BY COALESCE(TRIM(group_0), '')
),
ranked AS (
  SELECT
    grouped.*,
    ROW_NUMBER() OVER (PARTITION BY kind, part ORDER BY records DESC, label) AS place
  FROM grouped
),
numbered AS (
  SELECT
    pending.*,
    ROW_NUMBER() OVER (ORDER BY changed_at, key_0) AS n,
    ROW_NUMBER() OVER (PARTITION BY suspect ORDER BY changed_at, key_0) AS suspect_n
  FROM pending
),
answer AS (
  SELECT
    kind,
    part,
    label,
    records,
    suspects,
    oldest_at,
    place,
    CAST(NULL AS STRING) AS key_0,
    CAST(NULL AS STRING) AS key_1,
    CAST(NULL AS STRING) AS key_2,
    CAST(NULL AS INT) AS suspect
  FROM ranked
  WHERE place <= :most
  UNION ALL
  SELECT 'record', CASE WHEN n <= :most THEN 'first' ELSE 'suspect' END, NULL, 1, 0, changed_at, n, key_0, key_1, key_2, suspect
  FROM numbered
  WHERE n <= :most OR (suspect IS NOT NULL AND suspect_n <= :most)
)
SELECT
  answer.kind,
  answer.part,
  answer.label,
  CAST(answer.records AS BIGINT) AS records,
  CAST(answer.suspects AS BIGINT) AS suspects,
  answer.oldest_at,
  answer.key_0,
  answer.key_1,
  answer.key_2,
  CAST(answer.suspect AS INT) AS suspect
FROM answer
ORDER BY answer.kind, answer.part, answer.place
