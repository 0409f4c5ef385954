-- Where is this property on its way to Salesforce, and what holds it? By its id in RDS, its short id, its Salesforce id or
-- the id of its row there: a row per hop, then one for each field that differs; docs/YOUR_PIPELINE.md has the columns.
WITH asked AS (
  SELECT CAST(:id AS STRING) AS id
),
salesforce AS (
  SELECT
    s.*,
    NOT COALESCE(s.is_deleted, FALSE) AND NOT COALESCE(s._fivetran_deleted, FALSE) AS live
  FROM hive_metastore.salesforce.product_property AS s
),
matched AS (   -- also what Salesforce still has and RDS does not
  SELECT CAST(p.id AS STRING) AS record
  FROM rds.pg_rds_public.properties AS p
  CROSS JOIN asked
  WHERE CAST(p.id AS STRING) = asked.id OR p.short_id = asked.id OR p.sfdc_id = asked.id
  UNION
  SELECT s.snappt_property_id_c AS record
  FROM salesforce AS s
  CROSS JOIN asked
  WHERE s.snappt_property_id_c IS NOT NULL
    AND (s.snappt_property_id_c = asked.id OR s.id = asked.id OR SUBSTRING(s.id, 1, 15) = asked.id)
),
source AS (
  SELECT
    m.record,
    m.matches,
    p.id,
    p.sfdc_id,
    p.status,
    p.company_id,
    p.updated_at,
    c.name AS company_name,
    c.id IS NOT NULL AND NOT COALESCE(c._fivetran_deleted, FALSE) AS has_company,
    companies.filled AS has_companies
  FROM (SELECT record, COUNT(*) OVER () AS matches FROM matched ORDER BY record LIMIT 20) AS m
  LEFT JOIN rds.pg_rds_public.properties AS p
    ON CAST(p.id AS STRING) = m.record
  LEFT JOIN rds.pg_rds_public.companies AS c
    ON c.id = p.company_id
  CROSS JOIN (SELECT COUNT(*) > 0 AS filled FROM rds.pg_rds_public.companies) AS companies
),
enriched AS (
  SELECT
    source.record,
    e.updated_at,
    e.company_name,
    e.is_active
  FROM source
  INNER JOIN crm.sfdc_dbx.rds_properties_enriched AS e
    ON e.rds_property_id = source.id
),
written AS (   -- what is written to Salesforce under this id, and whose name counts
  SELECT
    source.record,
    CAST(a.rds_property_id AS STRING) AS winner,
    latest.updated_at AS winner_at,
    a.property_name,
    a.company_name,
    a.idv_enabled,
    a.bank_linking_enabled,
    a.payroll_enabled,
    a.income_insights_enabled,
    a.document_fraud_enabled,
    a.rds_last_updated_at,
    a.active_property_count
  FROM source
  INNER JOIN crm.sfdc_dbx.properties_aggregated_by_sfdc_id AS a
    ON a.sfdc_id = source.sfdc_id
  LEFT JOIN crm.sfdc_dbx.rds_properties_enriched AS latest
    ON latest.rds_property_id = a.rds_property_id
),
ranked AS (   -- of several rows under one id the oldest live one counts, as in the UPDATE backlog
  SELECT
    source.record,
    s.*,
    ROW_NUMBER() OVER (
      PARTITION BY source.record
      ORDER BY CASE WHEN NOT s.live THEN 2 WHEN s.sf_property_id_c = source.sfdc_id THEN 0 ELSE 1 END, s.created_date, s.id
    ) AS place
  FROM source
  INNER JOIN salesforce AS s
    ON (s.sf_property_id_c = source.sfdc_id AND TRIM(source.sfdc_id) NOT IN ('', 'XXXXXXXXXXXXXXX') AND s.snappt_property_id_c IS NOT NULL)
    OR s.snappt_property_id_c = source.record
),
there AS (
  SELECT * FROM ranked WHERE place = 1
),
shown AS (   -- the row whose ID was asked for, or else the one that counts
  SELECT *
  FROM (
    SELECT
      ranked.*,
      ROW_NUMBER() OVER (
        PARTITION BY ranked.record
        ORDER BY CASE WHEN asked.id IN (ranked.id, SUBSTRING(ranked.id, 1, 15)) THEN 0 ELSE 1 END, ranked.place
      ) AS turn
    FROM ranked
    CROSS JOIN asked
  ) AS turns
  WHERE turn = 1
),
backlog AS (   -- the suspect rules are those of pipeline.yml, which a pipeline's own statement cannot take from it: tests hold both together
  SELECT
    q.hop,
    CAST(q.rds_property_id AS STRING) AS record,
    q.rds_last_updated_at AS changed_at,
    CASE
      WHEN COALESCE(company_name, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$' THEN 'no company name'
      WHEN TRIM(company_name) = TRIM(property_name) THEN 'company name is the property name'
    END AS suspect
  FROM (
    SELECT 4 AS hop, rds_property_id, rds_last_updated_at, company_name, property_name FROM crm.sfdc_dbx.properties_to_create
    UNION ALL
    SELECT 5 AS hop, rds_property_id, rds_last_updated_at, company_name, property_name FROM crm.sfdc_dbx.properties_to_update
  ) AS q
),
compared AS (
  SELECT
    written.record,
    fields.field,
    CASE fields.field
      WHEN 'property_name' THEN written.property_name
      WHEN 'company_name' THEN written.company_name
      WHEN 'idv_enabled' THEN CAST(written.idv_enabled AS STRING)
      WHEN 'bank_linking_enabled' THEN CAST(written.bank_linking_enabled AS STRING)
      WHEN 'payroll_enabled' THEN CAST(written.payroll_enabled AS STRING)
      WHEN 'income_insights_enabled' THEN CAST(written.income_insights_enabled AS STRING)
      ELSE CAST(written.document_fraud_enabled AS STRING)
    END AS ours,
    CASE fields.field
      WHEN 'property_name' THEN shown.name
      WHEN 'company_name' THEN shown.company_name_c
      WHEN 'idv_enabled' THEN CAST(shown.id_verification_enabled_c AS STRING)
      WHEN 'bank_linking_enabled' THEN CAST(shown.bank_linking_enabled_c AS STRING)
      WHEN 'payroll_enabled' THEN CAST(shown.connected_payroll_enabled_c AS STRING)
      WHEN 'income_insights_enabled' THEN CAST(shown.income_verification_enabled_c AS STRING)
      ELSE CAST(shown.fraud_detection_enabled_c AS STRING)
    END AS theirs
  FROM written
  INNER JOIN shown
    ON shown.record = written.record AND shown.live
  CROSS JOIN (
    SELECT EXPLODE(ARRAY(
      'property_name', 'company_name', 'idv_enabled', 'bank_linking_enabled', 'payroll_enabled',
      'income_insights_enabled', 'document_fraud_enabled'
    )) AS field
  ) AS fields
  WHERE written.winner = written.record   -- of another one nothing is written
),
differing AS (
  SELECT DISTINCT compared.record
  FROM compared
  WHERE compared.ours IS DISTINCT FROM compared.theirs
),
facts AS (   -- a row per record: all that the hops are told from
  SELECT
    source.record,
    source.matches,
    source.id IS NOT NULL AS in_source,
    source.sfdc_id,
    source.status,
    source.company_id,
    source.company_name,
    source.has_company,
    source.has_companies,
    source.updated_at,
    enriched.record IS NOT NULL AS in_enriched,
    enriched.company_name AS enriched_company_name,
    enriched.is_active,
    enriched.updated_at AS enriched_at,
    COALESCE(written.winner = source.record, FALSE) AS wins,
    written.winner,
    written.winner_at,
    written.rds_last_updated_at,
    written.active_property_count,
    COALESCE(there.live, FALSE) AS is_there,
    there.id AS written_row,
    there.snappt_property_id_c AS row_key,
    shown.id AS row_id,
    COALESCE(shown.live, FALSE) AS row_is_live,
    shown.last_modified_date AS row_at,
    COALESCE(shown.company_name_c, '') RLIKE '(?i)^[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*(null|n/a|undefined|none|-)?[\\p{Z}\\p{Cc}\\p{Cf}\\x{2800}\\x{3164}]*$'
      AND TRIM(written.company_name) <> '' AS row_nameless,
    differing.record IS NOT NULL AS row_differs
  FROM source
  LEFT JOIN enriched ON enriched.record = source.record
  LEFT JOIN written ON written.record = source.record
  LEFT JOIN there ON there.record = source.record
  LEFT JOIN shown ON shown.record = source.record
  LEFT JOIN differing ON differing.record = source.record
),
hops AS (
  SELECT
    facts.*,
    numbers.hop,
    backlog.changed_at AS pending_at,
    backlog.suspect AS pending_suspect,
    CASE numbers.hop
      WHEN 1 THEN 'RDS'
      WHEN 2 THEN 'Enriched view'
      WHEN 3 THEN 'Aggregated view'
      WHEN 4 THEN 'CREATE backlog'
      WHEN 5 THEN 'UPDATE backlog'
      ELSE 'Salesforce'
    END AS place,
    CASE numbers.hop
      WHEN 1 THEN in_source
      WHEN 2 THEN in_enriched
      WHEN 3 THEN wins
      WHEN 6 THEN is_there
      ELSE backlog.record IS NOT NULL
    END AS found
  FROM facts
  CROSS JOIN (SELECT EXPLODE(SEQUENCE(1, 6)) AS hop) AS numbers
  LEFT JOIN backlog ON backlog.record = facts.record AND backlog.hop = numbers.hop
),
told AS (
  SELECT
    record,
    hop,
    place,
    found,
    CASE hop
      WHEN 1 THEN updated_at
      WHEN 2 THEN enriched_at
      WHEN 3 THEN CASE WHEN wins THEN rds_last_updated_at END
      WHEN 6 THEN row_at
      ELSE pending_at
    END AS changed_at,
    CASE   -- why it does not come here, where that is known
      WHEN hop = 1 AND NOT in_source THEN 'Salesforce alone has it'
      WHEN hop = 2 AND in_source AND NOT in_enriched AND status = 'DELETED' THEN 'it is deleted in RDS'
      WHEN hop = 2 AND in_source AND NOT in_enriched AND company_id IS NULL THEN 'it has no company'
      WHEN hop = 2 AND in_source AND NOT in_enriched THEN 'the view leaves it out, although it has a company and is not deleted'
      WHEN hop = 3 AND in_enriched AND COALESCE(TRIM(sfdc_id), '') = '' THEN 'it has no Salesforce ID'
      WHEN hop = 3 AND in_enriched AND TRIM(sfdc_id) = 'XXXXXXXXXXXXXXX' THEN 'its Salesforce ID is the placeholder XXXXXXXXXXXXXXX'
      WHEN hop = 3 AND in_enriched AND is_active = 0 THEN 'its status is not ACTIVE'
      WHEN hop = 3 AND in_enriched AND NOT wins AND winner_at > updated_at
        THEN 'property {winner} has the same Salesforce ID and changed later ({winner_at}), so that one is written'
      WHEN hop = 3 AND in_enriched AND NOT wins AND winner IS NOT NULL
        THEN 'property {winner} has the same Salesforce ID and the lower ID of two that changed last, so that one is written'
      WHEN hop = 3 AND in_enriched AND NOT wins THEN 'the view leaves it out, although it is ACTIVE and has a Salesforce ID'
      WHEN hop = 6 AND is_there AND NOT row_is_live THEN 'row {row_id} is deleted in Salesforce, and row {written_row} is the one that is written'
      WHEN hop = 6 AND is_there AND row_id <> written_row AND row_differs
        THEN 'row {row_id} differs, and no sync writes it: of the rows under this Salesforce ID, {written_row} is written'
    END AS stops,
    CASE
      WHEN hop = 1 AND NOT in_source THEN 'Find out why RDS does not have it before anybody changes its row in Salesforce'
      WHEN hop = 2 AND in_source AND NOT in_enriched AND status = 'DELETED' THEN 'Restore it in RDS if it was deleted by mistake'
      WHEN hop = 2 AND in_source AND NOT in_enriched AND company_id IS NULL THEN 'Give it a company in RDS'
      WHEN hop = 3 AND in_enriched AND COALESCE(TRIM(sfdc_id), '') IN ('', 'XXXXXXXXXXXXXXX') THEN 'Enter its Salesforce ID in RDS'
      WHEN hop = 3 AND in_enriched AND is_active = 0 THEN 'Set it to ACTIVE in RDS if Salesforce is to show it'
      WHEN hop = 3 AND in_enriched AND NOT wins AND winner IS NOT NULL
        THEN 'Trace property {winner}; correct the Salesforce ID in RDS if they are two'
      WHEN hop = 2 AND in_enriched AND NOT has_companies THEN 'Load the table of companies again'
      WHEN hop = 2 AND in_enriched AND NOT has_company THEN 'Restore company {company} in RDS, or give the property another one'
      WHEN hop = 6 AND is_there AND NOT row_is_live THEN 'Ask who deleted the row before anything is created again'
      WHEN hop = 6 AND is_there AND row_id <> written_row AND row_differs
        THEN 'Correct row {row_id} in Salesforce: a rerun does not change it'
      WHEN hop = 6 AND row_is_live AND row_nameless AND row_id <> written_row
        THEN 'Find what removed the company name of row {row_id} and fix it in Salesforce: a rerun does not change it'
      WHEN hop IN (2, 3) THEN 'Compare the view with its statement: sync-health deploy shows what differs'
    END AS next_step,
    CASE
      WHEN hop = 3 AND wins AND active_property_count > 1 THEN '{shared} active properties share the Salesforce ID; this name is written'
      WHEN hop = 3 AND wins THEN 'no other active property shares the Salesforce ID'
      WHEN hop = 6 AND is_there AND row_is_live AND row_id <> written_row
        THEN 'row {row_id}; of the rows under this Salesforce ID, {written_row} is written'
      WHEN hop = 6 AND row_is_live THEN 'row {row_id}'
      WHEN hop = 6 AND row_id IS NOT NULL AND NOT is_there THEN 'row {row_id} is deleted in Salesforce'
    END AS note,
    CASE
      WHEN hop = 2 AND in_enriched AND company_id IS NOT NULL AND NOT has_companies
        THEN 'the table of companies is empty, so the company name is empty'
      WHEN hop = 2 AND in_enriched AND company_id IS NOT NULL AND NOT has_company
        THEN 'company {company} is deleted or missing, so the company name is empty'
      WHEN hop = 2 AND in_enriched AND company_name IS NOT NULL AND enriched_company_name IS NULL
        THEN 'the view gives it no company name, although company {company} has one'
      WHEN hop = 6 AND row_is_live AND row_nameless AND row_id <> written_row
        THEN 'row {row_id} has no company name, although the Aggregated view has one for it'
      ELSE pending_suspect
    END AS suspect,
    CASE hop WHEN 4 THEN 'create' WHEN 5 THEN 'update' END AS sync,
    CASE hop WHEN 4 THEN record WHEN 5 THEN CASE WHEN is_there THEN row_key END END AS key,
    winner,
    winner_at,
    company_id,
    active_property_count,
    row_id,
    written_row,
    matches
  FROM hops
)
SELECT
  told.record,
  CAST(told.hop AS INT) AS hop,
  told.place,
  told.found,
  told.changed_at,
  told.stops,
  told.next_step,
  told.note,
  told.suspect,
  told.sync,
  told.key,
  compared.field,
  compared.ours,
  compared.theirs,
  told.winner,
  told.winner_at,
  CAST(told.company_id AS BIGINT) AS company,
  CAST(told.active_property_count AS BIGINT) AS shared,
  told.row_id,
  told.written_row,
  CAST(told.matches AS BIGINT) AS matches
FROM told
LEFT JOIN compared
  ON compared.record = told.record AND told.hop = 6 AND compared.ours IS DISTINCT FROM compared.theirs
ORDER BY told.record, told.hop, compared.field
