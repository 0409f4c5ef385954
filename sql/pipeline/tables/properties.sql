-- Which properties exist? RDS says so: this is the source of truth.
-- Replaces the table: for a demo's own catalog, never where the pipeline lives.
CREATE OR REPLACE TABLE rds.pg_rds_public.properties (
  id          BIGINT NOT NULL,
  sfdc_id     STRING,             -- may be missing, empty or the placeholder XXXXXXXXXXXXXXX; many properties share one
  short_id    STRING,
  company_id  BIGINT,
  name        STRING,
  status      STRING,             -- ACTIVE, DISABLED, DELETED
  address     STRING,
  city        STRING,
  state       STRING,
  zip         STRING,
  inserted_at TIMESTAMP,
  updated_at  TIMESTAMP
)
