-- What were these properties called before? As generated.
UPDATE rds.pg_rds_public.properties
SET name = REPLACE(name, ' (renamed)', '')
WHERE (id - 100000) % 8629 BETWEEN 1000 AND 1599 AND id < 119500
