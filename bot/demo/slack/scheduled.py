"""Messages that Slack posts later, with the limits that it documents for them."""

import secrets
from dataclasses import dataclass, field

from bot.demo.slack.blocks import Json, SlackError

MOST_DAYS, WINDOW_SECONDS, MOST_IN_A_WINDOW, LOCKED_SECONDS = 120, 300, 30, 60


@dataclass
class ScheduledMessages:
    """Scheduled messages that are not posted yet, by id; times are seconds since the epoch."""

    waiting: dict[str, Json] = field(default_factory=dict)

    def add(self, arguments: Json, said: Json, now: float, channel: str) -> Json:
        """The answer of chat.scheduleMessage for what is to be said; raises SlackError."""
        try:
            post_at = int(str(arguments.get("post_at")))
        except ValueError:
            raise SlackError("invalid_time") from None
        if post_at <= now:
            raise SlackError("time_in_past")
        if post_at > now + MOST_DAYS * 86_400:
            raise SlackError("time_too_far")
        near = [one for one in self.waiting.values() if abs(one["post_at"] - post_at) < WINDOW_SECONDS]
        if len(near) >= MOST_IN_A_WINDOW:
            raise SlackError("restricted_too_many")
        id_ = f"Q{secrets.token_hex(5).upper()}"
        when = {"post_at": post_at, "date_created": int(now)}
        self.waiting[id_] = {"id": id_, "channel_id": channel, **when, "said": said}
        shown = {"type": "delayed_message", "text": said["text"]}
        return {"channel": channel, "scheduled_message_id": id_, "post_at": post_at, "message": shown}

    def delete(self, arguments: Json, now: float) -> Json:
        """The answer of chat.deleteScheduledMessage; in its last minute a message can no longer be deleted."""
        found = self.waiting.get(str(arguments.get("scheduled_message_id")))
        if found is None or found["post_at"] - now <= LOCKED_SECONDS:
            raise SlackError("invalid_scheduled_message_id")
        del self.waiting[found["id"]]
        return {}

    def listed(self, arguments: Json) -> Json:
        """The answer of chat.scheduledMessages.list."""
        low, high = int(arguments.get("oldest") or 0), int(arguments.get("latest") or 2**40)
        rows = [one for one in self.waiting.values() if low <= one["post_at"] <= high]
        start, most = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
        shown = [
            {**{k: v for k, v in one.items() if k != "said"}, "text": one["said"]["text"]}
            for one in rows[start : start + most]
        ]
        cursor = str(start + most) if start + most < len(rows) else ""
        return {"scheduled_messages": shown, "response_metadata": {"next_cursor": cursor}}

    def take_due(self, now: float) -> list[Json]:
        """What is to be posted now, which then waits no more.

        Slack accepts a scheduled message with metadata and never posts it, a bug that its documentation names.
        """
        due = sorted((one for one in self.waiting.values() if one["post_at"] <= now), key=lambda one: one["post_at"])
        for one in due:
            del self.waiting[one["id"]]
        return [one["said"] for one in due if "metadata" not in one["said"]]
