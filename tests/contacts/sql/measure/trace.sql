-- Where is this contact on its way to HubSpot? By its id.
WITH found AS (
  SELECT
    CAST(c.contact_id AS STRING) AS record,
    c.updated_at,
    q.contact_id IS NOT NULL AS pending,
    COALESCE(q.email, '') = '' AS has_no_mail,
    h.contact_id IS NOT NULL AS there,
    c.email AS ours,
    h.email AS theirs
  FROM `lake-prod`.crm.contacts AS c
  LEFT JOIN `lake-prod`.crm.contacts_to_sync AS q
    ON q.contact_id = c.contact_id
  LEFT JOIN `lake-prod`.hubspot.contacts AS h
    ON h.contact_id = c.contact_id
  WHERE CAST(c.contact_id AS STRING) = :id
),
hops AS (
  SELECT EXPLODE(SEQUENCE(1, 3)) AS hop
)
SELECT
  found.record,
  hops.hop,
  CASE hops.hop WHEN 1 THEN 'Lake' WHEN 2 THEN 'backlog' ELSE 'HubSpot' END AS place,
  CASE hops.hop WHEN 1 THEN TRUE WHEN 2 THEN found.pending ELSE found.there END AS found,
  CASE WHEN hops.hop < 3 THEN found.updated_at END AS changed_at,
  CASE WHEN hops.hop = 2 AND found.pending AND found.has_no_mail THEN 'no e-mail' END AS suspect,
  CASE WHEN hops.hop = 2 THEN 'Contacts' END AS sync,
  CASE WHEN hops.hop = 2 THEN found.record END AS key,
  CASE WHEN hops.hop = 3 AND found.there AND found.ours IS DISTINCT FROM found.theirs THEN 'email' END AS field,
  found.ours,
  found.theirs
FROM found
CROSS JOIN hops
ORDER BY hops.hop
