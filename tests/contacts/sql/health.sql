-- How are the contacts? One row.
SELECT
  CAST(COUNT(*) AS BIGINT) AS contact_rows,
  CAST(CASE WHEN COUNT(*) > 0 THEN COUNT(CASE WHEN TRIM(COALESCE(c.name, '')) = '' THEN 1 END) END AS BIGINT) AS nameless_contacts
FROM `lake-prod`.crm.contacts AS c
