"""What the local Slack remembers, and how its Web API and its response URLs change that."""

import copy
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.demo.slack.blocks import Json, SlackError, content, flag, metadata, pressed, shaped
from bot.demo.slack.modals import APP, BOT, BOT_USER, TEAM, Modals, Person
from bot.demo.slack.scheduled import ScheduledMessages

CHANNEL, SLACKBOT = "C0001", "USLACKBOT"
RESPONSE_URL_SECONDS, RESPONSE_URL_USES = 1800.0, 5


@dataclass
class ResponseUrl:
    """What a response_url may still do; `ts` is the message that was pressed, None after a command."""

    user: str
    ts: str | None
    until: float
    uses: int = RESPONSE_URL_USES


class Workspace(Modals):
    """One channel and the app in it; every public method may be called from any thread."""

    def __init__(
        self,
        channel: str,
        people: Sequence[Person],
        groups: Mapping[str, Sequence[str]],
        now: Callable[[], datetime],
        real: Callable[[], float],
    ) -> None:
        super().__init__(people, real)
        self._now = now
        self.url = ""  # known once the server listens
        self.channel, self.groups = channel, groups
        self.response_urls: dict[str, ResponseUrl] = {}
        self._messages: dict[str, Json] = {}
        self._threads: dict[str, list[str]] = {}  # by root: its replies
        self._ephemerals: dict[str, dict[str, Json]] = {person.id: {} for person in people}
        self._last_ts = 0
        self.scheduled = ScheduledMessages()
        self.unknown_blocks: set[str] = set()

    def call(self, method: str, arguments: Json) -> Json:
        """Do one Web API method and return its answer; raises SlackError."""
        if method not in METHODS:
            raise SlackError("unknown_method")
        channel = str(arguments.get("channel")).lstrip("#")
        in_channel = method.startswith(("chat.", "conversations.")) and method != "chat.scheduledMessages.list"
        if in_channel and channel not in (CHANNEL, self.channel):
            raise SlackError("channel_not_found")
        with self.lock:
            self._post_due()
            with shaped("invalid_arguments"):
                return METHODS[method](self, arguments)

    def messages(self, thread_ts: str | None = None) -> list[Json]:
        """The channel (replies only if broadcast) or a thread with its root, oldest first, with metadata."""
        with self.lock:
            self._post_due()
            return [self._shown(m, metadata=True) for m in self._messages.values() if _belongs(m, thread_ts)]

    def latest(self, most: int) -> list[Json]:
        """The latest messages wherever they are, oldest first."""
        with self.lock:
            self._post_due()
            return [self._shown(m) for m in list(self._messages.values())[-most:]]

    def ephemerals(self, user: str) -> list[Json]:
        """What only this person sees, oldest first."""
        with self.lock:
            return copy.deepcopy(list(self._ephemerals[user].values()))

    def dismiss(self, user: str, ts: str) -> None:
        """Take an ephemeral message off this person's screen."""
        with self.lock:
            self._ephemerals[user].pop(ts, None)

    def tell(self, user: str, said: Json, *, by: str = BOT_USER) -> str:
        """Show something to one person only; returns its ts."""
        with self.lock:
            message: Json = {"type": "message", "user": by, "ts": self._next_ts(), "is_ephemeral": True}
            message |= self._content(said)
            if said.get("thread_ts"):
                message["thread_ts"] = str(said["thread_ts"])
            self._ephemerals[user][message["ts"]] = message
            return str(message["ts"])

    def respond(self, token: str, said: Json) -> None:
        """What a POST to a response_url does; raises SlackError when it is used up, too old or says nothing."""
        with self.lock, shaped("invalid_payload"):
            grant = self.response_urls.get(token)
            if grant is None or self.real() > grant.until:
                raise SlackError("expired_url")
            if grant.uses < 1:
                raise SlackError("used_url")
            grant.uses -= 1
            # Only a press has an original: after a slash command Slack ignores these and posts anew.
            own = self._ephemerals[grant.user]
            if grant.ts and flag(said.get("delete_original")):
                own.pop(grant.ts, None) or self._delete({"ts": grant.ts})
            elif grant.ts and flag(said.get("replace_original")) and grant.ts in own:
                own[grant.ts] = _without(own[grant.ts], "text", "blocks", "attachments") | self._content(said)
            elif grant.ts and flag(said.get("replace_original")):
                self._update({"attachments": [], **said, "ts": grant.ts})
            elif said.get("response_type") == "in_channel":
                self._post(said)
            else:
                self.tell(grant.user, said)

    def command(self, user: str, text: str) -> Json:
        """The payload of a typed /sync-health."""
        person = self.people[user]
        team = {"team_id": person.team, "team_domain": "local", "is_enterprise_install": "false"}
        where = {"channel_id": CHANNEL, "channel_name": self.channel, "response_url": self._response_url(user, None)}
        who = {"user_id": user, "user_name": person.name.lower(), "trigger_id": self._trigger(user)}
        return {"token": "", "api_app_id": APP, "command": "/sync-health", "text": text} | team | where | who

    def action(self, user: str, ts: str, action_id: str, value: str | None) -> Json:
        """The payload of a press, with no `ts` in the open modal or Home; LookupError where it is not there."""
        if not ts:
            return self.view_action(user, action_id, value)
        with self.lock:
            ephemeral = self._ephemerals[user].get(ts)
            message = ephemeral or self._messages.get(ts) or {}
            action, place = pressed(message, action_id, value)
            container = place | {"message_ts": ts, "channel_id": CHANNEL, "is_ephemeral": bool(ephemeral)}
            if "thread_ts" in message:
                container["thread_ts"] = message["thread_ts"]
            about: Json = {"trigger_id": self._trigger(user), "channel": {"id": CHANNEL, "name": self.channel}}
            about |= {"container": container, "response_url": self._response_url(user, ts)}
            about["actions"] = [action | {"action_ts": self._next_ts()}]
            original = {} if ephemeral else {"message": self._shown(message)}
            return {"type": "block_actions", **self._actor(user), **about, **original}

    def _post(self, a: Json) -> Json:
        message: Json = {"type": "message", "user": BOT_USER, "bot_id": BOT, "app_id": APP, "team": TEAM}
        message |= {"ts": "", **self._content(a), **metadata(a)}
        if a.get("thread_ts"):
            root = self._messages.get(str(a["thread_ts"]))
            if root is None:
                raise SlackError("cannot_reply_to_message")
            message["thread_ts"] = root.get("thread_ts", root["ts"])
            if flag(a.get("reply_broadcast")):
                message["subtype"] = "thread_broadcast"
        message["ts"] = self._next_ts()
        self._messages[message["ts"]] = message
        if "thread_ts" in message:
            self._threads.setdefault(message["thread_ts"], []).append(message["ts"])
        return {"channel": CHANNEL, "ts": message["ts"], "message": self._shown(message)}

    def _content(self, said: Json) -> Json:
        return content(said, self.unknown_blocks)

    def _post_due(self) -> None:
        for said in self.scheduled.take_due(self.real()):
            self._post(said)

    def _update(self, a: Json) -> Json:
        message = self._find(a.get("ts"))
        if message["user"] != BOT_USER:
            raise SlackError("cant_update_message")
        said = self._content(a) | metadata(a)
        # A new text drops the blocks; attachments stay until others or an empty list come, metadata until other comes.
        if a.get("text") or a.get("blocks") is not None:
            message.pop("blocks", None)
        else:
            said["text"] = message["text"]
        if a.get("attachments") is not None:
            message.pop("attachments", None)
        message |= said | {"edited": {"user": BOT_USER, "ts": self._next_ts()}}
        return {"channel": CHANNEL, "ts": message["ts"], "text": message["text"], "message": self._shown(message)}

    def _delete(self, a: Json) -> Json:
        message = self._find(a.get("ts"))
        if self._threads.get(message["ts"]):  # Slack leaves a tombstone, so that the replies keep their thread
            gone = {"user": SLACKBOT, "subtype": "tombstone", "text": "This message was deleted."}
            self._messages[message["ts"]] = {"type": "message", "ts": message["ts"], **gone}
        else:
            del self._messages[message["ts"]]
            if "thread_ts" in message:
                self._threads[message["thread_ts"]].remove(message["ts"])
        return {"channel": CHANNEL, "ts": str(a["ts"])}

    def _post_ephemeral(self, a: Json) -> Json:
        if a.get("user") not in self.people:
            raise SlackError("user_not_in_channel")
        return {"message_ts": self.tell(a["user"], a)}

    def _permalink(self, a: Json) -> Json:
        message = self._find(a.get("message_ts"))
        link = f"{self.url}/archives/{CHANNEL}/p{message['ts'].replace('.', '')}"
        of_reply = f"?thread_ts={message['thread_ts']}&cid={CHANNEL}" if message.get("thread_ts") else ""
        return {"channel": CHANNEL, "permalink": link + of_reply}

    def _history(self, a: Json) -> Json:
        return self._page([m for m in reversed(self._messages.values()) if _belongs(m, None)], a, 100)

    def _replies(self, a: Json) -> Json:
        if a.get("ts") not in self._messages:
            raise SlackError("thread_not_found")
        return self._page([m for m in self._messages.values() if _belongs(m, a["ts"])], a, 1000)

    def _page(self, found: list[Json], a: Json, most: int) -> Json:
        low, high, edges = str(a.get("oldest") or "0"), str(a.get("latest") or "9" * 20), flag(a.get("inclusive"))
        found = [m for m in found if float(low) < float(m["ts"]) < float(high) or (edges and m["ts"] in (low, high))]
        start = str(a.get("cursor") or "0")
        if not start.isdecimal():
            raise SlackError("invalid_cursor")
        end = int(start) + min(int(a.get("limit") or most), 999)
        shown = [self._shown(m, metadata=flag(a.get("include_all_metadata"))) for m in found[int(start) : end]]
        cursor = str(end) if end < len(found) else ""
        return {"messages": shown, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}

    def _members(self, a: Json) -> Json:
        if a.get("usergroup") not in self.groups:
            raise SlackError("no_such_subteam")
        return {"users": list(self.groups[a["usergroup"]])}

    def _auth(self, _a: Json) -> Json:
        who = {"team": "local", "team_id": TEAM, "user": "sync-health", "user_id": BOT_USER, "bot_id": BOT}
        return {"url": f"{self.url}/", "is_enterprise_install": False, **who}

    def _find(self, ts: object) -> Json:
        if str(ts) not in self._messages:
            raise SlackError("message_not_found")
        return self._messages[str(ts)]

    def _shown(self, message: Json, *, metadata: bool = False) -> Json:
        shown = copy.deepcopy(message if metadata else _without(message, "metadata"))
        if replies := self._threads.get(message["ts"]):
            thread = {"thread_ts": message["ts"], "reply_count": len(replies), "latest_reply": replies[-1]}
            shown |= thread | {"reply_users": [BOT_USER], "reply_users_count": 1}
        return shown

    def _response_url(self, user: str, ts: str | None) -> str:
        token = secrets.token_urlsafe(12)
        self.response_urls[token] = ResponseUrl(user, ts, self.real() + RESPONSE_URL_SECONDS)
        return f"{self.url}/response/{token}"

    def _next_ts(self) -> str:
        self._last_ts = max(self._last_ts + 1, int(self._now().timestamp() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "auth.test": Workspace._auth,
    "chat.postMessage": Workspace._post,
    "chat.update": Workspace._update,
    "chat.delete": Workspace._delete,
    "chat.scheduleMessage": lambda w, a: w.scheduled.add(a, w._content(a) | metadata(a), w.real(), CHANNEL),
    "chat.deleteScheduledMessage": lambda w, a: w.scheduled.delete(a, w.real()),
    "chat.scheduledMessages.list": lambda w, a: w.scheduled.listed(a),
    "chat.postEphemeral": Workspace._post_ephemeral,
    "chat.getPermalink": Workspace._permalink,
    "conversations.history": Workspace._history,
    "conversations.replies": Workspace._replies,
    "views.open": Workspace._open_view,
    "views.publish": Workspace._publish_view,
    "views.update": Workspace._update_view,
    "usergroups.users.list": Workspace._members,
}


def _belongs(message: Json, thread_ts: str | None) -> bool:
    """Whether a message shows in this thread, or in the channel where no thread is named."""
    if thread_ts is None:
        return "thread_ts" not in message or message.get("subtype") == "thread_broadcast"
    return thread_ts in (message["ts"], message.get("thread_ts"))


def _without(message: Json, *keys: str) -> Json:
    return {key: value for key, value in message.items() if key not in keys}
