-- What if 600 Salesforce ids get another name in RDS at once? The UPDATE backlog is over its threshold until they are written.
UPDATE rds.pg_rds_public.properties
SET name = CONCAT(name, ' (renamed)')
WHERE (id - 100000) % 8629 BETWEEN 1000 AND 1599 AND id < 119500
