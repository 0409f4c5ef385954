"""Addresses as people write them, and which of them a token may be sent to."""

import re
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_safe(address: str) -> bool:
    """Whether a token may be sent there: over https, or without leaving this machine."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    named = bool(parts.hostname) and not re.search(r"\s", address) and parts.username is None
    return named and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def normalised_host(text: str) -> str:
    """A workspace's host as people copy it, with scheme, path, `?o=…`, upper case or blanks, → the bare name.

    A server on this machine keeps its scheme and port. What cannot be read is returned as it is.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        name, port = parts.hostname or "", f":{parts.port}" if parts.port and parts.port != 443 else ""
    except ValueError:
        return text
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}{port}" if parts.scheme == "http" else f"{name}{port}"


def without_login(address: str) -> str:
    """An address that can be repeated: without what may be a password in it."""
    return re.sub(r"//[^/]*@", "//…@", address)[:100]
