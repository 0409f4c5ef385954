-- Which properties were put aside, and are not there? They come back; asked twice it changes nothing.
INSERT INTO rds.pg_rds_public.properties
SELECT a.* FROM rds.pg_rds_public.properties_aside AS a
WHERE NOT EXISTS (SELECT 1 FROM rds.pg_rds_public.properties AS p WHERE p.id = a.id)
