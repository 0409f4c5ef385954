"""The heartbeat: requests HEARTBEAT_URL, in bounded time."""

from bot.errors import TemporaryError
from bot.transport.bounded_http import bounded_session, untrusted, within

TIMEOUT = 5.0  # seconds for a connection and for each silence
WHOLE = 10.0  # seconds for everything: an answer may come in drips


class UrlHeartbeat:
    """ports.Heartbeat. The address is a secret, as a rule: it stands in no error."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT, whole: float = WHOLE) -> None:
        self._url, self._timeout, self._whole = url, timeout, whole

    def beat(self) -> None:
        try:
            with within(self._whole), bounded_session() as session:
                answer = session.get(self._url, timeout=self._timeout, stream=True, allow_redirects=False)
        except TimeoutError as error:
            raise TemporaryError(f"no answer within {self._whole:g} s") from error
        except Exception as error:  # an adapter lets no other error out, whatever HTTP libraries raise
            unreached = TemporaryError(f"the monitor cannot be reached ({type(error).__name__})")
            raise untrusted(error, "the monitor") or unreached from error
        if not answer.ok or answer.is_redirect:
            raise TemporaryError(f"the monitor answered {answer.status_code}")
