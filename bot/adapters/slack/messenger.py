"""Posts, edits and finds messages in Slack; each is rendered when it is sent and found again by our id."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk import WebClient

from bot.adapters.slack.self_test import try_line
from bot.config.settings import Settings
from bot.errors import UncertainError
from bot.messages.alert import alert_message, reply_is_broadcast
from bot.messages.watch import silent_words
from bot.model import Access, Announcement, Place, Scheduled
from bot.sanitize import sanitize
from bot.transport.native_blocks import NativeBlocks
from bot.transport.slack_api import call, respond, taken, web_client

EVENT_TYPE = "sync_health_message"
PER_PAGE, MOST_PAGES = 999, 40  # of a look-up: what Slack gives at most, and what a minute's calls allow
CLOCKS_DIFFER = timedelta(hours=1)  # ours and Slack's, at most, when we say since when to look
TIMESTAMP = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
MEMBERS_LAST = 300.0  # real seconds; usergroups.users.list allows about 20 calls a minute


class SlackMessenger:
    """ports.Messenger over the Web API. The client must have no retry handlers: retries belong to the outbox."""

    def __init__(self, client: WebClient, settings: Settings, native: NativeBlocks | None = None) -> None:
        self._client = client
        self._settings = settings
        self._native = native or NativeBlocks()
        self._members: dict[str, tuple[float, frozenset[str]]] = {}

    def post(self, announcement: Announcement) -> Place:
        where = {
            "channel": announcement.channel,
            "thread_ts": announcement.thread_ts,
            "reply_broadcast": reply_is_broadcast(announcement) or None,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"id": announcement.id}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        message = alert_message(announcement, self._settings)
        answer = self._native.send(message, lambda said: call(self._client.chat_postMessage, **where, **said))
        return Place(taken(answer, "channel", str), taken(answer, "ts", str))  # without: the look-up finds it

    def edit(self, announcement: Announcement) -> None:
        where = {"channel": announcement.channel, "ts": announcement.ts}
        message = alert_message(announcement, self._settings)
        self._native.send(message, lambda said: call(self._client.chat_update, **where, **said))

    def find(self, announcement: Announcement) -> Place | None:
        copies = self._copies(announcement)
        return self._place(announcement, copies[0]) if copies else None

    def take_back(self, announcement: Announcement) -> int:
        copies = self._copies(announcement)[1:]
        channel = self._place(announcement, copies[0]).channel if copies else None
        for ts in copies:
            call(self._client.chat_delete, channel=channel, ts=ts)
        return len(copies)

    def permalink(self, place: Place) -> str:
        found = call(self._client.chat_getPermalink, channel=place.channel, message_ts=place.ts)
        return taken(found, "permalink", str)

    def schedule(self, announcement: Announcement, post_at: datetime) -> Scheduled:
        # Without our metadata: Slack takes a scheduled message that has some, and never posts it.
        answer = call(
            self._client.chat_scheduleMessage,
            channel=announcement.channel,
            post_at=int(post_at.timestamp()),
            unfurl_links=False,
            unfurl_media=False,
            **alert_message(announcement, self._settings).payload(),
        )
        return Scheduled(taken(answer, "scheduled_message_id", str), taken(answer, "channel", str))

    def cancel_scheduled(self, scheduled: Scheduled) -> None:
        call(self._client.chat_deleteScheduledMessage, channel=scheduled.channel, scheduled_message_id=scheduled.id)

    def list_scheduled(self) -> list[Scheduled]:
        words, found, cursor = silent_words(self._settings), list[Scheduled](), ""
        for _ in range(MOST_PAGES):
            answer = call(self._client.chat_scheduledMessages_list, limit=100, cursor=cursor or None)
            ours = (row for row in _objects(answer, "scheduled_messages") if words in str(row.get("text")))
            found += [Scheduled(taken(row, "id", str), taken(row, "channel_id", str)) for row in ours]
            if not (cursor := _next_cursor(answer)):
                return found
        raise UncertainError("Slack failed: its list of scheduled messages does not end")

    def _copies(self, announcement: Announcement) -> list[str]:
        """The timestamps of all that carry our id, oldest first.

        UncertainError when there is none on the pages that we read, and more of them since we first tried.
        """
        found: list[str] = []
        for page, is_last in self._pages_since(announcement):
            ours = (taken(one, "ts", str) for one in page if _our_id(one) == announcement.id)
            found += [ts for ts in ours if TIMESTAMP.fullmatch(ts)]
            if is_last:
                return sorted(found, key=float)
        if not found:
            raise UncertainError(f"not among the {PER_PAGE * MOST_PAGES:,} messages that were looked through")
        return sorted(found, key=float)

    def _place(self, announcement: Announcement, ts: str) -> Place:
        """History does not name the channel's id, which edits need."""
        found = call(self._client.chat_getPermalink, channel=announcement.channel, message_ts=ts)
        return Place(taken(found, "channel", str), ts)

    def members(self, group: str) -> frozenset[str]:
        asked, known = self._members.get(group, (0.0, frozenset()))
        if known and time.monotonic() - asked < MEMBERS_LAST:
            return known
        answer = call(self._client.usergroups_users_list, usergroup=group)
        found = frozenset(str(user) for user in taken(answer, "users", list))
        self._members[group] = (time.monotonic(), found)
        return found

    def access(self) -> Access:
        answer = respond(self._client.auth_test)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        scopes = frozenset(scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(","))
        names = sanitize(f"@{answer.get('user')}", 80), sanitize(str(answer.get("team")), 80)
        return Access(*names, scopes, _date(str(headers.get("date", ""))))

    def check_app_token(self) -> int:
        return try_line(web_client(self._settings.slack_app_token, self._settings.slack_api_url, self._client.ssl))

    def check_channel_access(self, channel: str) -> None:
        call(self._client.conversations_history, channel=channel, limit=1)

    def raw(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """The answer of a read as it is, for comparing its shape alone."""
        return call(self._client.api_call, api_method=method, params=arguments)

    def _pages_since(self, announcement: Announcement) -> Iterator[tuple[list[Mapping[str, Any]], bool]]:
        """Of the channel (newest first) or the thread (oldest first), since we first tried; whether it is the last."""
        where: dict[str, Any] = {"channel": announcement.channel, "limit": PER_PAGE, "include_all_metadata": True}
        if announcement.since:
            where["oldest"] = f"{(announcement.since - CLOCKS_DIFFER).timestamp():.6f}"
        method: Callable[..., Any] = self._client.conversations_history
        if announcement.thread_ts:
            method, where = self._client.conversations_replies, where | {"ts": announcement.thread_ts}
        cursor: str | None = ""
        for _ in range(MOST_PAGES):
            answer = call(method, cursor=cursor or None, **where)
            cursor = _next_cursor(answer)
            yield _objects(answer, "messages"), not cursor
            if not cursor:
                return


def _objects(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [one for one in taken(answer, name, list) if isinstance(one, dict)]


def _next_cursor(answer: Mapping[str, Any]) -> str:
    metadata = answer.get("response_metadata")
    return str(metadata.get("next_cursor") or "") if isinstance(metadata, dict) else ""


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError):  # none, or no date
        return None


def _our_id(message: Mapping[str, Any]) -> object:
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None  # others write there as they like
    return payload.get("id") if isinstance(payload, dict) else None
