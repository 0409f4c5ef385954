-- Is this run over? Then nobody needs its rows.
DELETE FROM crm.census.run_rows WHERE run_id = :run_id
