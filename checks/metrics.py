"""What is measured of every pipeline, and the facts that come with a number."""

from collections.abc import Mapping

QUEUE = "queue"  # the key of what the warehouse measures of each queue
Metrics = Mapping[str, frozenset[str] | None]  # by source, and of each queue: what is measured; None: not known
MEASURED: Mapping[str, frozenset[str]] = {
    "census": frozenset(  # of each sync
        {
            "hours_since_last_run",
            "runs_today",
            "error_rate",
            "schedule_on",
            "failed_runs",
            "run_overtime",
            "empty_runs",
            "backlog_not_shrinking",
        }
    ),
    QUEUE: frozenset({"backlog", "suspect_records"}),
    "bot": frozenset({"unmeasured_databricks", "unmeasured_census"}),
}
FACTS = {  # what a check of a metric may name in its texts
    "hours_since_last_run": ("duration",),
    "error_rate": ("records", "rejected"),
    "failed_runs": ("runs",),
    "run_overtime": ("doing", "duration", "expected"),
    "empty_runs": ("pending",),
    "runs_today": ("runs",),
    "backlog": ("pending",),
    "backlog_not_shrinking": ("pending",),
    "suspect_records": ("labels", "pending"),
    "unmeasured_databricks": ("blind", "checks", "reason"),
    "unmeasured_census": ("blind", "checks", "reason"),
}
