"""The file that holds the bot's state: private to its owner, at the newest schema; or one line that says why not."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError

from bot.adapters.store import tables
from bot.adapters.store.pages import PageRecords
from bot.errors import StateError
from bot.model import UnsentPages
from bot.sanitize import redact

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger(__name__)

OWNER_ONLY = 0o600
OPENING = 60_000  # milliseconds
MANY_PAGES = 2500  # of 4 KiB: less is not worth rewriting a file for
BESIDE = ("", "-wal", "-shm", "-journal")  # the files that SQLite keeps
REASONS = {  # what SQLite says, in words for people
    "disk is full": "the disk is full",
    "readonly database": "the database is read-only",
    "database is locked": "another process keeps the database locked",
    "unable to open": "the database file cannot be opened",
    "disk I/O error": "the disk reports an I/O error",
    "not a database": "the file is not a database: restore a copy, or move it away to start with an empty one",
    "malformed": "the database file is damaged: restore a copy, or move it away to start with an empty one",
    "already exists": "the file is the database of something else: name another one in SYNC_HEALTH_STATE",
}
MIGRATIONS = Path(__file__).parent / "migrations"
NEWER_SCHEMA = "Can't locate revision"  # Alembic's words
NEWER = "a newer version of Sync Health wrote it: update, or name another file in SYNC_HEALTH_STATE"


def open_state(url: str) -> Engine:
    """The database at the newest schema. Raises StateError: what is wrong with the URL or the file, and what to do."""
    engine = _engine(url)
    if database := _file_of(engine):
        _make_private(Path(database))
    try:
        with said_plainly(), _patient(engine) as opening:
            with opening.connect() as connection:
                current = _is_at_head(connection)
            if not current:
                _migrate_schema(opening)
    except StateError:
        engine.dispose()
        raise
    if database:
        _give_space_back(engine)
    return engine


@contextmanager
def _patient(engine: Engine) -> Iterator[Engine]:
    """For opening: whoever comes while another process migrates waits for it, however slow the machine is."""
    if not _file_of(engine):
        yield engine
        return
    opening = _engine(str(engine.url), pragmas=(f"busy_timeout={OPENING}",))
    try:
        yield opening
    finally:
        opening.dispose()


def reading_engine(writing: Engine) -> Engine:
    """Connections to the same database for transactions that only read; in memory there is one connection for both.

    They have a pool of their own: those that wait for a writer must not use up what readers need.
    """
    if not _file_of(writing):
        return writing
    return _engine(str(writing.url), begin="BEGIN", pragmas=("query_only=ON",), max_overflow=-1)


def awaits_migration(path: Path) -> bool:
    """Whether an earlier version wrote this file; nothing is changed. Raises StateError as opening it would."""
    with _looking_at(path) as connection:
        return not _is_at_head(connection) and bool(_revision_in_words(connection))


def look_at_state(url: str) -> str:
    """How the database stands, in words; nothing is created or changed. Raises StateError as opening it would."""
    database = _file_of(_engine(url))
    if not database:
        return "in memory"
    path = Path(database)
    if path.is_dir():
        raise StateError(f"{path} is a folder: SYNC_HEALTH_STATE names the file, sqlite:///FILE")
    if not path.exists():
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise StateError(f"the folder {path.parent} is not there or cannot be written: create it")
        return "not there yet: the bot creates it"
    if not os.access(path, os.W_OK):
        raise StateError(f"the database file {path} cannot be written by this user")
    with _looking_at(path) as connection:
        return _revision_in_words(connection)


def look_at_pages(url: str) -> tuple[UnsentPages, ...]:
    """What the pagers have not accepted; nothing is created or changed, and of an older database nothing is known."""
    path = Path(_file_of(_engine(url)))
    with suppress(StateError):
        if path.is_file():
            with _looking_at(path) as connection:
                return PageRecords(connection).unsent_pages()
    return ()


@contextmanager
def _looking_at(path: Path) -> Iterator[Connection]:
    """A connection that leaves no trace."""
    unused = "" if Path(f"{path}-wal").exists() else "&immutable=1"  # else SQLite would make files next to it
    engine = create_engine(f"sqlite:///file:{quote(str(path))}?mode=ro{unused}&uri=true", hide_parameters=True)
    try:
        with said_plainly(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def said_plainly() -> Iterator[None]:
    """SQLAlchemy's errors as StateError; a violated constraint passes, it is for the caller."""
    try:
        yield
    except IntegrityError:
        raise
    except DatabaseError as error:
        said = str(error.orig)
        log.debug("the state database: %s", redact(said))
        reasons = (words for part, words in REASONS.items() if part in said)
        raise StateError(next(reasons, "the database failed (the log has details)")) from error


def _make_private(path: Path) -> None:
    """Nobody else reads it. An existing file is not opened here: closing it would drop SQLite's locks on it."""
    if path.is_dir():
        raise StateError(f"{path} is a folder: SYNC_HEALTH_STATE names the file, sqlite:///FILE")
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
    except OSError as error:
        raise StateError(f"the database file {path} cannot be opened: {error.strerror}") from error
    for end in BESIDE:
        file = Path(f"{path}{end}")
        try:
            if file.stat().st_mode & 0o077:
                file.chmod(OWNER_ONLY)
        except FileNotFoundError:  # -wal and -shm come and go
            continue
        except OSError as error:
            log.warning("others on this machine may read %s: %s", file, error.strerror)


def _give_space_back(engine: Engine) -> None:
    """Shrink a file of which most is free, as after the migration that compressed it; a bot at work is left alone.

    Not by auto_vacuum, which costs pages and moves others at each commit: what is deleted day by day is used again.
    """
    try:
        with engine.connect() as connection:
            db = connection.connection.driver_connection
            assert isinstance(db, sqlite3.Connection)
            [free], [pages] = (db.execute(f"PRAGMA {what}").fetchone() for what in ("freelist_count", "page_count"))
            if free > MANY_PAGES and 2 * free > pages:
                db.execute("PRAGMA busy_timeout=0").close()
                db.execute("VACUUM").close()
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
                connection.invalidate()  # its time-out is not what others need
    except sqlite3.DatabaseError as error:
        log.info("the state file keeps its size: %s", redact(str(error)))


def _engine(url: str, *, begin: str = "BEGIN IMMEDIATE", pragmas: tuple[str, ...] = (), **pool: int) -> Engine:
    try:
        engine = create_engine(url, hide_parameters=True, **pool)  # they would stand in errors and logs
    except (ArgumentError, ValueError) as error:
        raise StateError("SYNC_HEALTH_STATE is not the URL of a SQLite file: write sqlite:///FILE") from error

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _file_of(engine: Engine) -> str:
    """The path of the database file, empty where it is in memory."""
    return "" if engine.url.database in (None, "", ":memory:") else str(engine.url.database)


def _revision_in_words(connection: Connection) -> str:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_alembic())
    if found == script.get_current_head():
        since = connection.scalar(select(tables.workspace.c.text_only_since))
        text = f"; Slack refused a table or chart on {since:%Y-%m-%d}, so they are sent as text" if since else ""
        return f"sqlite, all migrations{text}"
    if found is None and connection.exec_driver_sql("SELECT 1 FROM sqlite_schema").first():
        raise StateError(REASONS["already exists"])
    if found and found not in {revision.revision for revision in script.walk_revisions()}:
        raise StateError(NEWER)
    return "sqlite, migrated when the bot starts"


def _is_at_head(connection: Connection) -> bool:
    """Whether nothing is to be done, read without Alembic: loading it takes longer than a whole evaluation."""
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").first():
        return False
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    return found == [max(path.stem.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*.py"))]


def _alembic() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _migrate_schema(engine: Engine) -> None:
    from alembic import command
    from alembic.util import CommandError

    config = _alembic()
    try:
        with engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        if NEWER_SCHEMA not in str(error):
            raise
        raise StateError(NEWER) from error
