-- May the login create tables and views in a schema? Its privileges there; none where Unity Catalog does not know it.
SELECT
  p.privilege_type AS privilege
FROM system.information_schema.schema_privileges AS p
WHERE
  p.catalog_name = :catalog
  AND p.schema_name = :schema
  AND (p.grantee = CURRENT_USER() OR IS_ACCOUNT_GROUP_MEMBER(p.grantee))
UNION
SELECT
  'OWNER' AS privilege
FROM system.information_schema.schemata AS s
WHERE
  s.catalog_name = :catalog
  AND s.schema_name = :schema
  AND (s.schema_owner = CURRENT_USER() OR IS_ACCOUNT_GROUP_MEMBER(s.schema_owner))
