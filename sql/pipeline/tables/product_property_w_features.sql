-- Which features does a property have, and since when? Several rows per property: the latest one counts.
-- Replaces the table: for a demo's own catalog, never where the pipeline lives.
CREATE OR REPLACE TABLE crm.sfdc_dbx.product_property_w_features (
  property_id                STRING NOT NULL,
  idv_enabled                BOOLEAN,
  idv_enabled_at             TIMESTAMP,
  idv_updated_at             TIMESTAMP,
  bank_linking_enabled       BOOLEAN,
  bank_linking_enabled_at    TIMESTAMP,
  bank_linking_updated_at    TIMESTAMP,
  payroll_linking_enabled    BOOLEAN,
  payroll_linking_enabled_at TIMESTAMP,
  payroll_linking_updated_at TIMESTAMP,
  iv_enabled                 BOOLEAN,
  iv_enabled_at              TIMESTAMP,
  iv_updated_at              TIMESTAMP,
  fraud_enabled              BOOLEAN,
  fraud_enabled_at           TIMESTAMP,
  fraud_updated_at           TIMESTAMP
)
