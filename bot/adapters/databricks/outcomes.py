"""How a statement at Databricks can end that has to be tried again: retryable at once, or once the warehouse runs."""

from bot.errors import AccessError, TemporaryError

MAY_BE_WRITTEN = "it may have been written: look before doing it again"


class RetryableError(TemporaryError):
    """Nothing was done, and a second attempt on a new session is worth it right away."""


class NotReadyError(TemporaryError):
    """Nothing was done, as happens while a warehouse starts; its state, asked over REST, tells whether it does."""


class ClosedSessionError(NotReadyError, RetryableError):
    """The session is not there: not yet, or no longer."""


class LoginRefusedError(AccessError):
    """401: this login is not taken, or no longer."""
