"""Bounded HTTP: one deadline for a whole call, one bound for a body, one reader of Retry-After."""

import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from io import BytesIO
from typing import Any
from urllib.request import (
    BaseHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    getproxies_environment,
)
from urllib.response import addinfourl

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import connection as urllib3_connection

from bot.config.environment import past_proxy
from bot.errors import TemporaryError

LARGEST = 16 * 2**20  # bytes of an answer, unpacked: a page of a hundred records is some megabytes at most
_here = threading.local()  # the deadline of the call that this thread is in


class TooLargeError(requests.RequestException):
    """An answer holds more than anybody reads."""


class _Deadline:
    """Breaks the connections of a call when its time is up: their own timeout is for each silence."""

    def __init__(self, seconds: float) -> None:
        self.expired = self._over = False
        self._found: list[Callable[[], socket.socket | None]] = []
        self._guard = threading.Lock()  # guards the three above
        self._timer = threading.Timer(seconds, self._break_connections)
        self._timer.daemon = True
        self._timer.start()

    def break_at_end(self, find: Callable[[], socket.socket | None]) -> None:
        """Break what is found when the time is up."""
        with self._guard:
            self._found.append(find)
            if self.expired:
                _shut_down(find())

    def end(self) -> None:
        self._timer.cancel()
        with self._guard:
            self._over = True

    def _break_connections(self) -> None:
        with self._guard:
            self.expired = not self._over
            for find in self._found if self.expired else ():
                _shut_down(find())


@contextmanager
def within(seconds: float, find: Callable[[], socket.socket | None] | None = None) -> Iterator[None]:
    """Do something over the network in so many seconds, all in all. Raises TimeoutError when they are over.

    It covers what our sessions and openers do in this thread, and the socket that `find` names.
    """
    before, _here.deadline = getattr(_here, "deadline", None), (deadline := _Deadline(seconds))
    if find:
        deadline.break_at_end(find)
    try:
        yield
    except Exception as error:
        if deadline.expired:
            raise TimeoutError(f"no complete answer within {seconds:g} s") from error
        raise
    finally:
        deadline.end()
        _here.deadline = before
    if deadline.expired:  # what was read may be cut short: a broken connection can look like the end of a body
        raise TimeoutError(f"no complete answer within {seconds:g} s")


def keep_loopback_direct() -> None:
    """No client of this process reaches this machine through a proxy, which would see tokens that http shows.

    All of them heed NO_PROXY, also those of libraries, and some have no other way to be told.
    """
    if getproxies_environment().keys() - {"no"}:
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(past_proxy(os.environ))


def bounded_session() -> requests.Session:
    """A session whose calls `within` can end; read their bodies with `take_body`."""
    keep_loopback_direct()
    session = requests.Session()
    session.verify = os.environ.get("SSL_CERT_FILE") or True  # requests has certificates of its own, all others read it
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def take_body(answer: requests.Response, largest: int = LARGEST) -> None:
    """Read all of a streamed answer. Raises requests.RequestException when it is too large or breaks off."""
    body = BytesIO()
    try:
        while part := answer.raw.read1(2**16, decode_content=True):
            if body.tell() + len(part) > largest:
                raise TooLargeError(f"the answer is larger than {largest:,} bytes")
            body.write(part)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
    finally:
        answer.close()
    body.seek(0)
    answer.raw = body


def bounded_opener(trust: ssl.SSLContext | None) -> OpenerDirector:
    """urllib's, for HTTP alone: it follows no redirect, which could take a token or a text elsewhere."""
    keep_loopback_direct()
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        _Plain(),
        _Secure(trust),
        _Bounded(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def untrusted(error: BaseException, who: str) -> TemporaryError | None:
    """What to say where a certificate stood in the way, however deep in an error; nothing was sent then."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, ssl.SSLCertVerificationError):
            why = f"the certificate of {who} is not trusted here ({one.verify_message})"
            return TemporaryError(f"{why}: name the file with the certificates to trust in SSL_CERT_FILE")
        seen.add(id(one))
        within_it = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [each for each in within_it if isinstance(each, BaseException) and id(each) not in seen]
    return None


def json_object(body: str | bytes, change: Callable[[dict[str, Any]], object] | None = None) -> dict[str, Any]:
    """The JSON object that a body holds, else an empty one; `change` sees each object in it while it is parsed."""
    try:
        found = json.loads(body, object_hook=change)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, endless digits, or deeper than anybody nests
        return {}
    return found if isinstance(found, dict) else {}


def retry_after(headers: Mapping[str, str], longest: float) -> float | None:
    """The real seconds that a server asks us to wait, `longest` at most; None where it does not say so readably.

    A number or a date; a date is held against the server's own clock.
    """
    said = {name.lower(): value.strip() for name, value in headers.items()}
    value = said.get("retry-after", "")
    if value.isascii() and value.isdecimal():
        return min(float(value), longest)
    try:
        wait = (parsedate_to_datetime(value) - parsedate_to_datetime(said.get("date", ""))).total_seconds()
    except (ValueError, TypeError, OverflowError):  # no date, or one of the two without a zone
        return None
    return min(max(wait, 0.0), longest)


def _shut_down(found: socket.socket | None) -> None:
    if found is not None:
        with suppress(OSError):  # it has ended already
            socket.socket.shutdown(found, socket.SHUT_RDWR)  # not SSLSocket's, which forgets the encryption first


class _Watched:
    """A connection that the deadline of this thread's call can break, from the answer of a proxy on."""

    sock: socket.socket | None

    def _tunnel(self) -> None:
        self._guard_deadline()
        super()._tunnel()  # type: ignore[misc]

    def getresponse(self) -> Any:
        self._guard_deadline()
        return super().getresponse()  # type: ignore[misc]

    def _guard_deadline(self) -> None:
        deadline: _Deadline | None = getattr(_here, "deadline", None)
        if deadline:
            found = self.sock  # as it is now: the connection forgets it before the answer is read
            deadline.break_at_end(lambda: found)


class _PlainConnection(_Watched, HTTPConnection):
    pass


class _SecureConnection(_Watched, HTTPSConnection):
    pass


class _PlainOfPool(_Watched, urllib3_connection.HTTPConnection):
    pass


class _SecureOfPool(_Watched, urllib3_connection.HTTPSConnection):
    pass


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*arguments, **named)
        pool.ConnectionCls = _SecureOfPool if pool.scheme == "https" else _PlainOfPool
        return pool


class _Plain(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_PlainConnection, req)


class _Secure(HTTPSHandler):
    def __init__(self, trust: ssl.SSLContext | None) -> None:
        super().__init__(context=trust)
        self._trust = trust

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_SecureConnection, context=self._trust), req)


class _Bounded(BaseHandler):
    """Reads the body of every answer, also of a refusal, before anybody else does."""

    handler_order = 100  # before what raises refusals

    def http_response(self, _: Request, response: HTTPResponse) -> addinfourl:
        with response:
            body = response.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise ValueError(f"the answer is larger than {LARGEST:,} bytes")
        taken = addinfourl(BytesIO(body), response.headers, response.url, response.status)
        taken.msg = response.reason  # type: ignore[attr-defined]
        return taken

    https_response = http_response
