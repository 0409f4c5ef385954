-- How many contacts have not changed for a year?
SELECT
  CAST(COUNT(*) AS BIGINT) AS stale
FROM `lake-prod`.crm.contacts AS c
WHERE c.updated_at < TIMESTAMPADD(DAY, -365, CURRENT_TIMESTAMP())
