"""The people of the local Slack, the modals that an app opens before them, and what it shows them in its Home."""

import copy
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bot.demo.slack.blocks import Json, SlackError, checked_blocks, filled, parsed, pressed_in_view, unfilled
from bot.demo.slack.rules import TITLE, faults_together, plain

TEAM, APP, BOT, BOT_USER = "T0001", "A0001", "B0001", "U0BOT"
TRIGGER_SECONDS = 3.0


@dataclass(frozen=True)
class Person:
    """Somebody in the channel; `role` is shown beside the name."""

    id: str
    name: str
    team: str = TEAM
    role: str = ""


class Modals:
    """One modal and one Home a person at most; `real` are the seconds since the epoch."""

    def __init__(self, people: Sequence[Person], real: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.real = real
        self.people = {person.id: person for person in people}
        self._views: dict[str, Json] = {}  # by user
        self._homes: dict[str, Json] = {}  # by user
        self._errors: dict[str, Json] = {}  # by user: what the app said is wrong in it
        self._triggers: dict[str, tuple[str, float]] = {}
        self._redeemed: set[str] = set()

    def modal(self, user: str) -> Json | None:
        """The open modal of this person, with the app's complaints under `errors`."""
        with self.lock:
            view = copy.deepcopy(self._views.get(user))
            return view and view | {"errors": dict(self._errors.get(user, {}))}

    def home(self, user: str) -> Json | None:
        """What the app shows this person in its Home."""
        with self.lock:
            return copy.deepcopy(self._homes.get(user))

    def home_opened(self, user: str, tab: str) -> Json:
        """The event of somebody who has opened a tab of the app, with the view of the Home once there is one."""
        opened = {"type": "app_home_opened", "user": user, "channel": f"D{user[1:]}", "tab": tab}
        if outside := (team := self.people[user].team) != TEAM:
            opened["user_team"] = team
        with self.lock:
            view = {"view": copy.deepcopy(self._homes[user])} if tab == "home" and user in self._homes else {}
        now = self.real()
        about = {"token": "", "team_id": TEAM, "api_app_id": APP, "type": "event_callback", "event_time": int(now)}
        ids = {"event_id": "Ev" + secrets.token_hex(5).upper(), "authorizations": [], "is_ext_shared_channel": outside}
        return about | ids | {"event": opened | {"event_ts": f"{now:.6f}"} | view}

    def submission(self, user: str, values: Mapping[str, str]) -> Json:
        """The payload of a submitted modal, values by block_id or action_id; LookupError when none can be submitted."""
        with self.lock:
            if not (self._views.get(user) or {}).get("submit"):
                raise LookupError(f"{user} has no open modal with a submit button")
            view = copy.deepcopy(self._views[user])
            blocks = view.pop("blocks")
            view["state"] = {"values": filled(blocks, values)}
            if wrong := unfilled(blocks, view["state"]["values"]):
                self._errors[user] = wrong
                raise ValueError(f"Slack sends nothing: {wrong}")
            return {"type": "view_submission", **self._actor(user), "view": view, "trigger_id": self._trigger(user)}

    def view_action(self, user: str, action_id: str, value: str | None) -> Json:
        """The payload of a press in the open modal, else in the Home: neither has channel nor message; LookupError."""
        with self.lock:
            if user not in self._views | self._homes:
                raise LookupError(f"{user} has no open modal, nor a Home")
            view = copy.deepcopy(self._views.get(user) or self._homes[user])
            view["state"] = {"values": filled(view["blocks"], {})}
            pressed = pressed_in_view(view, action_id, value) | {"action_ts": f"{self.real():.6f}"}
            about = {"container": {"type": "view", "view_id": view["id"]}, "trigger_id": self._trigger(user)}
            return {"type": "block_actions", **self._actor(user), **about, "view": view, "actions": [pressed]}

    def view_answered(self, user: str, view_id: str, answer: Json) -> None:
        """What the acknowledgment of a submission does to the modal: errors, update, or it closes."""
        with self.lock:
            if self._views.get(user, {}).get("id") != view_id:
                return
            self._errors.pop(user, None)
            match answer.get("response_action"):
                case "errors":
                    self._errors[user] = answer.get("errors", {})
                case "update" | "push":
                    self._views[user] = self._view(answer["view"], self._views[user])
                case _:
                    del self._views[user]

    def _open_view(self, a: Json) -> Json:
        trigger = str(a.get("trigger_id"))
        if trigger in self._redeemed:
            raise SlackError("exchanged_trigger_id")
        user, issued = self._triggers.get(trigger, ("", 0.0))
        if not user:
            raise SlackError("invalid_trigger_id")
        if self.real() - issued > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        view = self._view(a.get("view"), {})
        self._redeemed.add(trigger)
        self._errors.pop(user, None)
        self._views[user] = view
        return {"view": copy.deepcopy(view)}

    def _update_view(self, a: Json) -> Json:
        key = "view_id" if a.get("view_id") else "external_id"
        for user, view in self._views.items():
            if a.get(key) and view[key.removeprefix("view_")] == a[key]:
                if a.get("hash") not in (None, "", view["hash"]):
                    raise SlackError("hash_conflict")
                self._views[user] = self._view(a.get("view"), view)
                self._errors.pop(user, None)
                return {"view": copy.deepcopy(self._views[user])}
        raise SlackError("not_found")

    def _publish_view(self, a: Json) -> Json:
        user = str(a.get("user_id"))
        if user not in self.people:
            raise SlackError("user_not_found")
        before = self._homes.get(user, {})
        if a.get("hash") not in (None, "", before.get("hash")):
            raise SlackError("hash_conflict")
        self._homes[user] = self._view(a.get("view"), before, "home")
        return {"view": copy.deepcopy(self._homes[user])}

    def _view(self, given: object, before: Json, kind: str = "modal") -> Json:
        view = parsed(given, "invalid_arguments")
        if not isinstance(view, dict) or view.get("type") != kind:
            raise SlackError("invalid_arguments", f"a view of type {kind}")
        if len(json.dumps(view)) > 250_000:
            raise SlackError("view_too_large")
        of_messages = {"data_visualization"} if kind == "modal" else {"data_visualization", "table"}
        blocks = checked_blocks(view.get("blocks"), most=100, unknown=of_messages)
        title = TITLE(view.get("title"), "/view/title") if kind == "modal" else ()
        for fault in chain(title, faults_together(blocks)):
            raise SlackError("invalid_arguments", fault)
        if kind == "modal" and "submit" not in view and any(b["type"] == "input" for b in blocks):
            raise SlackError("invalid_arguments", "submit: needed where there are inputs")
        for key, most in (("submit", 24), ("close", 24)):
            for fault in plain(most)(view[key], f"/view/{key}") if view.get(key) else ():
                raise SlackError("invalid_arguments", fault)
        if len(view.get("private_metadata", "")) > 3000:
            raise SlackError("invalid_arguments", "private_metadata: up to 3000")
        view_id = before.get("id") or "V" + secrets.token_hex(5).upper()
        shape = {"submit": None, "close": None, "private_metadata": "", "callback_id": "", "external_id": ""}
        options = {"clear_on_close": False, "notify_on_close": False, "previous_view_id": None, "root_view_id": view_id}
        ids = {"id": view_id, "team_id": TEAM, "app_id": APP, "bot_id": BOT, "hash": secrets.token_hex(8)}
        return shape | options | view | ids | {"blocks": blocks, "state": {"values": {}}}

    def _actor(self, user: str) -> Json:
        person = self.people[user]
        name = person.name.lower()
        who = {"id": user, "username": name, "name": name, "team_id": person.team}
        return {"team": {"id": TEAM, "domain": "local"}, "user": who, "api_app_id": APP, "token": ""}

    def _trigger(self, user: str) -> str:
        trigger = secrets.token_hex(8)
        self._triggers[trigger] = (user, self.real())
        return trigger
