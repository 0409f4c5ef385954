-- Which rows does a Census run carry? It reads its source once, at the start.
-- Replaces the table: a stand-in for what Census keeps to itself, for a demo's own catalog.
CREATE OR REPLACE TABLE crm.census.run_rows (
  run_id                   BIGINT NOT NULL,
  n                        BIGINT NOT NULL,   -- from 1, in the order in which they are written
  snappt_property_id_c     STRING,
  sfdc_id                  STRING,
  property_name            STRING,
  company_name             STRING,
  idv_enabled              BOOLEAN,
  bank_linking_enabled     BOOLEAN,
  payroll_enabled          BOOLEAN,
  income_insights_enabled  BOOLEAN,
  document_fraud_enabled   BOOLEAN
)
