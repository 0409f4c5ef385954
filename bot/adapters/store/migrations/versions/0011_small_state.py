"""Evaluations are compressed, results are rows of numbers; an incident's messages are found by an index."""

import zlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

BATCH = 500  # evaluations in memory at a time
FIRST = sa.text("base_id IS NULL")


def upgrade() -> None:
    """All that was kept stays; who was evaluated twice at a time has the later result."""
    op.create_index("messages_of_incident", "outbox", ["incident_id", "kind"])
    _number_results()
    _compress_evaluations()


def _number_results() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("check", sa.String(80), nullable=False),
        sa.Column("sync", sa.String(80), nullable=False),
    )
    op.create_index("one_series_per_check_and_sync", "series", ["check", "sync"], unique=True)
    op.create_table(
        "numbers",
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("evaluation_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("value", sa.Float),
        sqlite_with_rowid=False,
    )
    op.execute('INSERT INTO series ("check", sync) SELECT DISTINCT "check", COALESCE(sync, \'\') FROM results')
    op.execute(
        "INSERT INTO numbers SELECT s.id, r.evaluation_id, r.outcome, r.value FROM results r "
        'JOIN series s ON s."check" = r."check" AND s.sync = COALESCE(r.sync, \'\') WHERE r.id IN '
        "(SELECT MAX(id) FROM results GROUP BY evaluation_id, \"check\", COALESCE(sync, ''))"
    )
    op.drop_table("results")
    op.rename_table("numbers", "results")


def _compress_evaluations() -> None:
    packed = op.create_table(
        "packed",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("checked_at", sa.DateTime, nullable=False),
        sa.Column("base_id", sa.Integer),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    assert packed is not None
    db, last, base = op.get_bind(), 0, None
    columns = (sa.Column("id", sa.Integer), sa.Column("checked_at", sa.DateTime), sa.Column("body", sa.Text))
    old = sa.table("evaluations", *columns)
    some = sa.select(old).where(old.c.id > sa.bindparam("last")).order_by(old.c.id).limit(BATCH)
    while rows := db.execute(some, {"last": last}).all():
        new: list[dict[str, Any]] = []
        for row in rows:
            hour, body = row.checked_at.replace(minute=0, second=0, microsecond=0), row.body.encode()
            if base is None or base[0] != hour:
                base = (hour, row.id, body)
            mine = row.id != base[1]
            values = {"base_id": base[1] if mine else None, "body": _pack(body, base[2] if mine else b"")}
            new.append({"id": row.id, "checked_at": row.checked_at, **values})
        db.execute(packed.insert(), new)
        last = rows[-1].id
    op.drop_table("evaluations")
    op.rename_table("packed", "evaluations")
    op.create_index("first_evaluations", "evaluations", ["id"], sqlite_where=FIRST, postgresql_where=FIRST)


def _pack(body: bytes, base: bytes) -> bytes:
    packer = zlib.compressobj(6, zdict=base)
    return packer.compress(body) + packer.flush()
