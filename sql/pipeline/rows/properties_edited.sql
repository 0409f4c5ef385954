-- What do people change in a working day? Every step a few active properties get another name, or their old one back.
UPDATE rds.pg_rds_public.properties
SET
  name = CASE WHEN name LIKE '% Phase 2' THEN REPLACE(name, ' Phase 2', '') ELSE CONCAT(name, ' Phase 2') END,
  updated_at = CAST(:now AS TIMESTAMP)
WHERE (id - 100000) % 997 = CAST(:step AS INT) % 997
  AND id < 108460
  AND status = 'ACTIVE'
