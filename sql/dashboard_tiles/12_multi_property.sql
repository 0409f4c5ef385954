-- How many properties share one Salesforce ID?
-- title: Properties per Salesforce ID · chart: bar · unit: IDs · x: properties · y: ids
WITH sized AS (
  SELECT
    active_property_count,
    CASE
      WHEN active_property_count >= 10 THEN '10 or more'
      WHEN active_property_count >= 5 THEN '5 to 9'
      ELSE CAST(active_property_count AS STRING)
    END AS properties
  FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id
),
counted AS (
  SELECT
    sized.properties,
    COUNT(*) AS ids,
    MIN(sized.active_property_count) AS least
  FROM sized
  GROUP BY sized.properties
)
SELECT
  counted.properties,
  CAST(counted.ids AS BIGINT) AS ids
FROM counted
ORDER BY counted.least
