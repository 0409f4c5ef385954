-- Which of these identifiers, one a line, are pending in the queue of a sync? Asked about records that its last run rejected.
WITH pending AS (   -- what pipeline.yml says of the sync stands here: its queue, and the identifier of its records
  SELECT
    CAST(snappt_property_id_c AS STRING) AS identifier
  FROM crm.sfdc_dbx.properties_to_update
),
asked AS (
  SELECT EXPLODE(SPLIT(:identifiers, '\n')) AS identifier
)
SELECT DISTINCT
  pending.identifier
FROM pending
INNER JOIN asked
  ON asked.identifier = pending.identifier
ORDER BY pending.identifier
