"""What can go wrong outside, in the terms in which we act on it."""


class SyncHealthError(Exception):
    """Any failure that we foresee: its text is meant for the person who reads it."""

    audited = False  # True: that it failed stands in the audit already


class TemporaryError(SyncHealthError):
    """It certainly did not happen, and trying again later may help."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds of real time, when the other side named them


class UnreadableError(TemporaryError):
    """It answered in a form that cannot be read: what needs this answer is unknown, and nothing else."""


class StartingError(TemporaryError):
    """The warehouse is starting: nothing was run, and it answers within minutes."""


class StatementError(TemporaryError):
    """This statement did not succeed and may later, as one over its time limit: others may be answered meanwhile."""


class StateError(TemporaryError):
    """The bot's own state cannot be read or written: what was to be kept is not."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Sync Health cannot write its state: {reason}")
        self.reason = reason


class UncertainError(SyncHealthError):
    """It may have happened: look before doing it again."""


class UnconfirmedError(TemporaryError):
    """A message of ours may stand where somebody clicked: Slack shows one before it has told us that it does."""


class PermanentError(SyncHealthError):
    """It did not happen and will not, until somebody changes something."""


class AccessError(PermanentError):
    """The address or the login is refused, whatever is asked: its text says which setting to correct."""


class ForbiddenError(AccessError):
    """The login is known, and may not do this: somebody has to allow it."""


class NotFoundError(PermanentError):
    """The thing asked about is not there."""


class MissingTableError(NotFoundError):
    """A statement names a table or a view that is not there; `table` is what the statement calls it."""

    def __init__(self, table: str) -> None:
        super().__init__(f"Table or view {table} is missing")
        self.table = table


class TooManyRowsError(PermanentError):
    """The answer of a statement is longer than anything here needs."""


class ConflictError(PermanentError):
    """Somebody else has changed it meanwhile: what was meant for it as it was is not done."""


class UneditableError(NotFoundError):
    """The message is there, and cannot be edited any more."""


class ContentRefusedError(PermanentError):
    """Not in this form: what it holds, or its size, is refused or cannot be rendered."""


class BlocksRefusedError(ContentRefusedError):
    """Slack takes the text, and not one of these blocks."""


class UnrenderableError(ContentRefusedError):
    """A bug of ours: the message cannot be rendered; its cause is the exception."""


class ChannelRefusedError(PermanentError):
    """The channel is gone, archived or closed to us; another one may take the message."""


class ConfigurationError(SyncHealthError):
    """The settings cannot work; holds every problem found, each with its place and a remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RefusedError(SyncHealthError):
    """A person asked for something that they may not do, or that makes no sense now; says what to do instead.

    `people` are the user and user group ids that the sentence ends with, `incident` the id of the one whose thread has
    more.
    """

    def __init__(self, message: str, *, people: tuple[str, ...] = (), incident: int | None = None) -> None:
        super().__init__(message)
        self.people, self.incident = people, incident
