-- Which properties are about to vanish from RDS? A copy of them all.
CREATE OR REPLACE TABLE rds.pg_rds_public.properties_aside AS
SELECT * FROM rds.pg_rds_public.properties
