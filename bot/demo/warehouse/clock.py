"""The clock of the demo's warehouse: CURRENT_TIMESTAMP shows the time of the pipeline, which may run fast."""

from collections.abc import Callable

import duckdb

from bot.ports import Clock

# DuckDB reads CURRENT_TIMESTAMP as a call of this function, in views too, and finds ours before its own.
SHOWS = """
    CREATE OR REPLACE MACRO get_current_timestamp() AS (
        TIMESTAMPTZ '{now}' + to_microseconds(CAST((epoch_us(now()) - {real}) * {speed} AS BIGINT))
    )
"""


def keep_time(cursor: Callable[[], duckdb.DuckDBPyConnection], clock: Clock) -> None:
    """From now on every statement sees the time of this clock."""
    real = int(clock.real().timestamp() * 1_000_000)
    with cursor() as one:
        one.execute(SHOWS.format(now=clock.now().isoformat(), real=real, speed=float(clock.speed)))
