"""What follows when a message could not be sent: retry with backoff, plain text, another channel."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.config.settings import Settings
from bot.errors import (
    AccessError,
    ChannelRefusedError,
    NotFoundError,
    PermanentError,
    TemporaryError,
    UncertainError,
    UneditableError,
)
from bot.model import ClaimedMessage, Failure, Kind, Move, Pause

MOST_DOUBLINGS = 20
REPLACE_EVERY = timedelta(minutes=15)  # a message that cannot be edited: no more often than this a new one


@dataclass(frozen=True)
class Backoff:
    """Real seconds between attempts: doubled each time, within bounds."""

    shortest: float
    longest: float

    def after(self, attempts: int, jitter: float) -> timedelta:
        """The pause after so many failed attempts; `jitter` from 0 to 1 takes up to half of it."""
        doubled = 2.0 ** (1 + min(attempts, MOST_DOUBLINGS))
        return timedelta(seconds=min(max(doubled, self.shortest), self.longest) * (1 - jitter / 2))


TRANSIENT = Backoff(2, 60)
REFUSED = Backoff(60, 600)
LONGEST_WAIT = REPLACE_EVERY  # of any message or channel, Retry-After included


@dataclass(frozen=True)
class Now:
    """The moment in which something failed."""

    real: datetime
    pipeline: datetime
    jitter: float


def next_step(claimed: ClaimedMessage, error: Exception, settings: Settings, now: Now) -> Failure:
    """What to do about this message, and when. An error that nobody foresaw is a refusal that may have arrived."""
    why = str(error) or type(error).__name__
    match error:
        case TemporaryError(retry_after=float() | int() as seconds):
            pause = Pause(now.real + timedelta(seconds=seconds), claimed.failures)
            return Failure(why, now.real, doubtful=claimed.doubtful, pause=pause)
        case TemporaryError() | UncertainError():
            doubtful = claimed.doubtful or isinstance(error, UncertainError)
            wait = now.real + TRANSIENT.after(claimed.attempts, now.jitter)
            repeated = claimed.failures > 0  # one failure may be the message's own: the others go on
            until = now.real + TRANSIENT.after(claimed.failures - 1, now.jitter) if repeated else None
            return Failure(why, wait, doubtful=doubtful, pause=Pause(until, claimed.failures + 1))
        case AccessError():
            return Failure(why, now.real, doubtful=claimed.doubtful, pause=_refused_pause(claimed, now))
        case ChannelRefusedError():
            if (channel := _other_channel(claimed, settings)) is None:
                return Failure(why, now.real, doubtful=claimed.doubtful, pause=_refused_pause(claimed, now))
            return _move_channel(claimed, Move(channel, why, now.pipeline), settings, now)
        case NotFoundError():
            return _post_again(claimed, error, now)
    return _simplify_message(claimed, error, settings, now)


def _post_again(claimed: ClaimedMessage, error: NotFoundError, now: Now) -> Failure:
    """A message that is gone, or whose thread is, is posted again."""
    message, why = claimed.announcement, str(error)
    if message.ts is None:  # its root is gone: once a minute at most
        return Failure(why, now.real + REFUSED.after(claimed.attempts, now.jitter), gone=True)
    if isinstance(error, UneditableError):
        posted = datetime.fromtimestamp(float(message.ts), UTC)
        if now.real < posted + REPLACE_EVERY:
            return Failure(why, min(posted, now.real) + REPLACE_EVERY)
    return Failure(why, now.real, gone=True)


def _simplify_message(claimed: ClaimedMessage, error: Exception, settings: Settings, now: Now) -> Failure:
    """What is refused in full is sent as plain text, then as a new message, then to the other channel."""
    message, why = claimed.announcement, str(error) or type(error).__name__
    doubtful = claimed.doubtful or not isinstance(error, PermanentError)
    if not message.plain:
        return Failure(why, now.real, doubtful=doubtful, plain=True)
    if message.ts:
        return Failure(why, now.real, gone=True)
    channel = _other_channel(claimed, settings)
    if message.thread_ts is None and channel:
        return _move_channel(claimed, Move(channel, why, now.pipeline, whole_channel=False), settings, now)
    return Failure(why, now.real + REFUSED.after(claimed.attempts, now.jitter), doubtful=doubtful)


def _move_channel(claimed: ClaimedMessage, move: Move, settings: Settings, now: Now) -> Failure:
    """At once, but not round and round between two channels that both refuse."""
    wait = REFUSED.after(claimed.attempts, now.jitter) if claimed.channel == settings.fallback_channel else timedelta(0)
    return Failure(move.why, now.real + wait, move=move)


def _other_channel(claimed: ClaimedMessage, settings: Settings) -> str | None:
    """Where else it may go: a note for stakeholders goes to its own readers or to nobody."""
    if claimed.announcement.kind is Kind.STAKEHOLDERS:
        return None
    other = settings.channel if claimed.channel != settings.channel else settings.fallback_channel
    return other if other != claimed.channel else None


def _refused_pause(claimed: ClaimedMessage, now: Now) -> Pause:
    return Pause(now.real + REFUSED.after(claimed.failures, now.jitter), claimed.failures + 1)
