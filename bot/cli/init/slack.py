"""The Slack app of a new pipeline: the link that pre-fills it, and the two tokens that come from it."""

from collections.abc import Iterator
from urllib.parse import quote

import yaml

from bot.cli.init.connections import variable
from bot.cli.init.prompts import Prompter
from bot.config import shipped
from bot.config.environment import SLACK_APP, SLACK_BOT

NEW_APP = "https://api.slack.com/apps?new_app=1&manifest_yaml="


def new_app_link() -> str:
    """Where Slack creates an app from manifest.yml, without its comments."""
    manifest = yaml.safe_load((shipped.FOLDER / "manifest.yml").read_text(encoding="utf-8"))
    return NEW_APP + quote(yaml.safe_dump(manifest, sort_keys=False, width=10**9), safe="")


def steps(channel: str) -> Iterator[str]:
    """What to do with the app, in order."""
    yield "1 Open this link, pick the workspace and click Create:"
    yield f"  {new_app_link()}"
    yield f"2 Install App → Install, then copy the Bot User OAuth Token (xoxb-…): {SLACK_BOT[0]} in .env"
    yield "3 Basic Information → App-Level Tokens → Generate, with the scope connections:write, then copy it (xapp-…):"
    yield f"  {SLACK_APP[0]} in .env"
    yield f"4 In Slack, in #{channel.lstrip('#')}: /invite @Sync Health"


def ask_tokens(prompter: Prompter, values: dict[str, str]) -> bool:
    """The two tokens, where somebody has them already; whether there is a new one."""
    before = dict(values)
    for name, _ in (SLACK_BOT, SLACK_APP):
        if prompter.interactive and not values.get(name) and not values.get(f"{name}_FILE"):
            question = f"{name}, or Enter to write it into .env later"
            values[name] = prompter.ask(question, name, variable(name), default="", secret=True)
    return any(values[name] != before.get(name, "") for name in values)
