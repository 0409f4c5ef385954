"""The GRANT statements that a person pastes to give a login what it lacks; the bot runs none."""

from typing import TYPE_CHECKING

from bot.config.names import table_name, table_parts
from bot.sql.trees import quoted_table

if TYPE_CHECKING:
    from sqlglot import exp

OF_HIVE = "hive_metastore"  # has privileges of its own: USAGE of a schema, and none of a catalog


def to_grant(privileges: str, on: str, principal: str) -> str:
    """`SELECT`, `SELECT, MODIFY` on a table or `CREATE TABLE` in a schema, with the use of what that is in."""
    catalog, schema, *table = table_parts(on)
    uses = [("USAGE" if catalog == OF_HIVE else "USE SCHEMA", "SCHEMA", [catalog, schema])]
    if catalog != OF_HIVE:
        uses.insert(0, ("USE CATALOG", "CATALOG", [catalog]))
    wanted = [*uses, (privileges, "TABLE" if table else "SCHEMA", [catalog, schema, *table])]
    return " ".join(f"{_grant(*one, principal).sql('databricks')};" for one in wanted)


def _grant(privileges: str, kind: str, on: list[str], principal: str) -> "exp.Grant":
    from sqlglot import exp

    return exp.Grant(
        privileges=[exp.GrantPrivilege(this=exp.var(name)) for name in privileges.split(", ")],
        kind=kind,
        securable=quoted_table(table_name(on)),
        principals=[exp.GrantPrincipal(this=exp.to_identifier(principal, quoted=True))],
    )
