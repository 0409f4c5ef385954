"""A Microsoft Entra on loopback: issues tokens to application registrations, and says why not in its own codes."""

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TENANT, APPLICATION, SECRET = "11111111-2222-3333-4444-555555555555", "a-registration", "hush-entra"
FAR = 4_102_444_800  # 2100, in seconds: the connector reads when a token ends


class Entra(ThreadingHTTPServer):
    """`forms` is what was asked for; `answers` what is said next instead of a token: a status and a body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = jwt(iss=f"https://sts.windows.net/{TENANT}/", exp=FAR)
        self.secret = SECRET
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.answers: list[tuple[int, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Entra

    def do_POST(self) -> None:
        said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        form = {name: values[0] for name, values in said.items()}
        self.server.forms.append((self.path, form))
        status, body = self.server.answers.pop(0) if self.server.answers else self._verdict(form)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _verdict(self, form: dict[str, str]) -> tuple[int, bytes]:
        if self.path != f"/{TENANT}/oauth2/token":
            return refused("AADSTS90002", "Tenant not found", status=400)
        if form["client_id"] != APPLICATION:
            return refused("AADSTS700016", f"Application {form['client_id']} was not found", status=400)
        if form["client_secret"] != self.server.secret:
            return refused("AADSTS7000215", f"Invalid client secret {form['client_secret']} provided")
        said = {"token_type": "Bearer", "expires_in": "3599", "resource": form["resource"]}  # a string, as Entra writes
        return 200, json.dumps(said | {"access_token": self.server.token}).encode()

    def log_message(self, *_: Any) -> None:
        """Nothing: `forms` has it."""


def refused(code: str, why: str, status: int = 401) -> tuple[int, bytes]:
    """A refusal, which repeats what was sent, as some do."""
    return status, json.dumps({"error": "invalid_client", "error_description": f"{code}: {why}."}).encode()


def jwt(**claims: object) -> str:
    """A token that says this and is signed by nobody."""
    parts = ({"alg": "none"}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


@contextmanager
def entra() -> Iterator[Entra]:
    server = Entra()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
