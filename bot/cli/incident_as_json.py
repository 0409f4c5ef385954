"""The post-mortem of an incident as one JSON object; times are written by `print_json`, spans are real seconds."""

from dataclasses import asdict

from bot.alerts.model import Action, Entry
from bot.answers.history import PostMortem


def post_mortem_as_json(found: PostMortem) -> dict[str, object]:
    """What the Markdown says, with every value that is stored around it."""
    incident, figures = found.incident, found.figures
    words = ("id", "key", "check", "sync", "title", "state", "summary", "value", "peak", "limit", "clear")
    recovered, acknowledged = figures.time_to_recover, figures.time_to_acknowledge
    return {
        **{name: getattr(incident, name) for name in words},
        "severity": figures.severity,
        "as_of": found.as_of,
        "opened_at": incident.opened_at,
        "acknowledged_at": figures.acknowledged.at if figures.acknowledged else None,
        "acknowledged_by": figures.acknowledged.by if figures.acknowledged else None,
        "resolved_at": incident.resolved_at,
        "seconds": {
            "to_acknowledge": acknowledged.total_seconds() if acknowledged is not None else None,
            "to_recover": recovered.total_seconds() if recovered is not None else None,
            "open": figures.open_between(figures.opened_at, found.as_of).total_seconds(),
        },
        "reopened": figures.reopened,
        "causes": incident.every_cause,
        "explained_by": incident.explained_by,
        "examples": incident.examples,
        "thread": found.beside,
        "actions": [_action(one) for one in found.actions],
        "values": [{"at": at, "value": value} for at, value in found.values],
        "timeline": [_entry(one) for one in incident.timeline],
    }


def _action(action: Action) -> dict[str, object]:
    shown = ("kind", "sync", "by", "reason", "state", "requested_at", "ended_at", "run_id", "full_sync", "verdict")
    counts = ("records_updated", "records_failed", "records_invalid")
    return {name: getattr(action, name) for name in (*shown, *counts)}


def _entry(entry: Entry) -> dict[str, object]:
    return {name: value for name, value in asdict(entry).items() if name in ("at", "did", "by", "detail")}
