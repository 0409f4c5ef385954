"""How a warehouse's owner sees who asks: the user agent of each request, the tags of each session and statement."""

import re
from functools import cache
from importlib.metadata import version

PRODUCT = "sync-health"
PURPOSE = "pipeline-health"
LONGEST = 120  # characters of a tag: Databricks takes 128


@cache
def product_version() -> str:
    """The version that is installed."""
    return version(PRODUCT)


def user_agent(pipeline: str) -> str:
    """`sync-health/1.2.3 pipeline/orders`."""
    name = plain(pipeline).replace("/", "-")
    return f"{PRODUCT}/{product_version()}{f' pipeline/{name}' if name else ''}"


def session_tags(pipeline: str) -> dict[str, str | None]:
    """What the query history shows of each statement: the product, its version, the pipeline, the purpose."""
    said = {"application": PRODUCT, "version": product_version(), "pipeline": plain(pipeline), "purpose": PURPOSE}
    return {key: text for key, text in said.items() if text}


def statement_tags(name: str) -> dict[str, str | None]:
    """Which statement it is, by its file in sql/ or by the table that it is about."""
    return {"statement": plain(name)}


def plain(text: str) -> str:
    """A name without what a header or a tag cannot hold."""
    return re.sub(r"[^A-Za-z0-9_./-]+", "-", text)[:LONGEST].strip("-")
