-- What does Salesforce hold? Its object Product_Property__c, as Fivetran brings it back.
-- Replaces the table: for a demo's own catalog, never where the pipeline lives.
CREATE OR REPLACE TABLE hive_metastore.salesforce.product_property (
  id                            STRING NOT NULL,
  name                          STRING,
  snappt_property_id_c          STRING,    -- the sync key: the property's id in RDS
  sf_property_id_c              STRING,    -- the property's sfdc_id
  company_name_c                STRING,
  id_verification_enabled_c     BOOLEAN,
  bank_linking_enabled_c        BOOLEAN,
  connected_payroll_enabled_c   BOOLEAN,
  income_verification_enabled_c BOOLEAN,
  fraud_detection_enabled_c     BOOLEAN,
  created_date                  TIMESTAMP,
  last_modified_date            TIMESTAMP,
  is_deleted                    BOOLEAN,   -- deleted in Salesforce
  _fivetran_deleted             BOOLEAN    -- gone from Salesforce; Fivetran keeps the row
)
