-- Whose properties are they?
-- Replaces the table: for a demo's own catalog, never where the pipeline lives.
CREATE OR REPLACE TABLE rds.pg_rds_public.companies (
  id                BIGINT NOT NULL,
  name              STRING,
  _fivetran_deleted BOOLEAN       -- gone from RDS; Fivetran keeps the row
)
