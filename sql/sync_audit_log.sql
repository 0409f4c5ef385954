-- What was done and measured, and when? The log that snapshots go into; one that is there stays as it is.
CREATE TABLE IF NOT EXISTS crm.sfdc_dbx.sync_audit_log (
  audit_id            STRING NOT NULL,   -- daily_snapshot_yyyyMMdd for the daily snapshot, by local date
  sync_name           STRING,
  sync_type           STRING,            -- CREATE, UPDATE, MONITORING (daily), MANUAL (by hand), SETUP
  execution_timestamp TIMESTAMP,
  records_processed   INT,
  records_succeeded   INT,
  records_failed      INT,
  error_rate          DOUBLE,            -- percent
  executed_by         STRING,
  notes               STRING,            -- `Key: value`, joined by ` | `; dashboards read it: keys and order stay; NULL: no data
  census_sync_id      BIGINT,
  created_at          TIMESTAMP
)
