-- What if the table of properties arrives empty?
DELETE FROM rds.pg_rds_public.properties
