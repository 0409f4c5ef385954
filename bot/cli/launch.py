"""Opens the ports that a command needs, and closes them afterwards."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TextIO

import typer

from bot.cli.warehouse_start import await_warehouse
from bot.config.environment import Need
from bot.config.load import config_file, is_shipped
from bot.config.overrides import with_checks
from bot.config.settings import OBSERVES, Settings
from bot.errors import RefusedError
from bot.ports import Outlet, Ports, Sources, Store
from bot.runtime.composition import (
    CLOCK,
    SystemClock,
    clock_from_environment,
    connect,
    connect_pagers,
    connect_slack,
    connect_sources,
    disconnect,
    remembered,
    settings_from,
    state_file,
)
from bot.sanitize import sanitize
from bot.services.observe import require_act_mode

LONGEST = 1000  # characters of the name of a file
PATIENCE = 30.0  # seconds for the demo's bot to end in
EVERYTHING: tuple[Need, ...] = ("slack", "census", "warehouse")
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run_bot() -> None:
    """Until Ctrl-C, on the real thing, or on the demo's as long as that is there."""
    from bot.runtime.bot import Bot

    shared = os.environ.get(CLOCK)
    settings = settings_from(needs=EVERYTHING) if shared else announced_settings(EVERYTHING)
    if not shared:
        _say_where_a_new_state_is(settings)
    ports, client = connect(settings, SystemClock(as_written=shared), writes=True)
    bot = Bot(ports, client)
    bot.start()
    _wait_for_the_end(sys.stdin if shared else None, began=lambda: None if shared else _say_what_is_watched(settings))
    for name in ENDING:  # a second Ctrl-C ends at once
        signal.signal(name, signal.SIG_DFL)
    bot.stop()
    disconnect(ports)


def _say_what_is_watched(settings: Settings) -> None:
    every = settings.schedule.tick.total_seconds() / 60
    _echo(f"Watching the {settings.pipeline} pipeline, every {every:g} minutes. Ctrl-C ends it.")
    if settings.observes:
        _echo(f"  {OBSERVES}; no button, command or job makes one (mode in pipeline.yml).")
    if settings.unowned:
        _echo("  Critical alerts mention nobody: no owner is set in pipeline.yml (a user U… or user group S…).")


def run_demo(speed: float, port: int, *, verbose: bool) -> int:
    """Until Ctrl-C: the outside in this process, the bot in one of its own; returns how that one ended."""
    from bot.runtime.demo import Demo

    say_what_the_demo_ignores()
    _echo("Building a pipeline of 20,274 records …")
    with _unwinding():
        world = Demo(speed=speed, port=port, working_day=True)
        world.start()
        try:
            _say_where_the_demo_is(world.slack.url, speed)
            command = [sys.executable, "-m", "bot.cli", "run", *(["--verbose"] if verbose else [])]
            return keep_running(command, {**os.environ, **world.environment()})
        finally:
            world.stop()


def keep_running(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """A child until Ctrl-C, started again whenever somebody kills it; returns with what it ended by itself."""
    while True:
        # A session of its own, so that Ctrl-C reaches it through us, once; when we are gone its input ends.
        with subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdin=subprocess.PIPE, start_new_session=True
        ) as bot:
            _wait_for_the_end(until=lambda bot=bot: bot.poll() is not None)  # type: ignore[misc]
            if bot.returncode is None:
                return _terminate_bot(bot)
        if bot.returncode >= 0:
            _echo(f"  The bot ended with exit code {bot.returncode}.")
            return bot.returncode
        name = signal.Signals(-bot.returncode).name
        _echo(f"  The bot was ended by {name}: starting it again. It knows what it knew, and sends after a minute.")


def _terminate_bot(bot: subprocess.Popen[bytes]) -> int:
    bot.terminate()
    try:
        bot.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        bot.kill()
    return max(0, bot.wait())


def announced_settings(needs: tuple[Need, ...] = ()) -> Settings:
    """The settings of a command, which says on standard error what it reads them from."""
    path, why = config_file(os.environ), "this folder"
    if os.environ.get("SYNC_HEALTH_CONFIG"):
        why = "SYNC_HEALTH_CONFIG"
    elif is_shipped(path):
        why = "the shipped one"
    _echo(sanitize(f"Using {path} ({why})", LONGEST))
    return settings_from(needs=needs)


def _say_where_a_new_state_is(settings: Settings) -> None:
    """Before a file is created that nobody named."""
    if not (path := state_file(settings)).exists():
        _echo(sanitize(f"What the bot remembers: {path}, which is new (SYNC_HEALTH_STATE names another)", LONGEST))


def say_what_the_demo_ignores() -> None:
    """Of one's own configuration, where there is one."""
    path = config_file(os.environ)
    if not is_shipped(path):
        _echo(sanitize(f"--demo ignores {path}: it has a pipeline of its own", LONGEST))


def _say_where_the_demo_is(url: str, speed: float) -> None:
    _echo(f"\n  Open {url} in a browser.\n")
    _echo(f"  One second here is {speed:g} of the pipeline. Break it with the switch; the alert offers what can help.")
    _echo("  Ctrl-C ends it and leaves nothing behind.\n")


@contextmanager
def opened_ports(
    *, demo: bool, needs: tuple[Need, ...] = EVERYTHING, writes: bool = False, wait: bool = True, speed: float = 1
) -> Iterator[Ports]:
    """The ports for one command, given back afterwards; its warehouse runs, or `wait` says to end at once.

    With `writes` for one that changes the warehouse. Raises RefusedError in observe mode then.
    """
    if demo:
        from bot.runtime.demo import Demo

        say_what_the_demo_ignores()

        with _unwinding():
            world = Demo(speed=speed)  # at 1 nothing happens in it while it is looked at
            world.start()
            ports, _ = world.connect()
            try:
                yield ports
            finally:
                disconnect(ports)
                world.stop()
        return
    settings = announced_settings(needs)
    if writes:
        require_act_mode(settings)
    _say_where_a_new_state_is(settings)
    ports, _ = connect(settings, SystemClock(), writes=writes)
    try:
        await_warehouse(ports.warehouse, wait=wait)
        yield ports
    finally:
        disconnect(ports)


@contextmanager
def opened_outlet(*, demo: bool) -> Iterator[Outlet]:
    """What sending needs, given back afterwards; neither Census nor the warehouse, which a running bot may hold."""
    from bot.adapters.store.sql_store import SqlStore

    if demo:
        with opened_ports(demo=True) as ports:
            yield ports
        return
    settings, clock = announced_settings(("slack",)), clock_from_environment()
    messenger, _ = connect_slack(settings)
    _say_where_a_new_state_is(settings)
    store = SqlStore(settings.state_url)
    try:
        yield Outlet(settings, clock, messenger, store, connect_pagers(settings, clock))
    finally:
        store.close()


@contextmanager
def opened_sources(
    *, demo: bool, needs: tuple[Need, ...], names: Sequence[str] = (), wait: bool = True, speed: float = 1
) -> Iterator[tuple[Sources, Callable[[], Store | None]]]:
    """What measuring needs, and what opens what the bot remembers, given back afterwards.

    The warehouse runs, or `wait` says to end at once. With `names` the settings have these checks alone. A demo runs
    at this `speed`.
    """
    if demo:
        with opened_ports(demo=True, speed=speed) as ports:
            yield replace(ports, settings=with_checks(ports.settings, names)), lambda: ports.store
        return
    settings = with_checks(announced_settings(needs), names)
    with ExitStack() as opened:
        sources = connect_sources(settings, SystemClock())
        opened.callback(sources.warehouse.close)
        if settings.databricks and any(check.source == "databricks" for check in settings.checks):
            await_warehouse(sources.warehouse, wait=wait)

        def remember() -> Store | None:
            try:
                store = remembered(settings)
            except RefusedError as error:
                _echo(f"{error}: evaluated as if no bot had run before")
                return None
            if store:
                opened.callback(store.close)
            return store

        yield sources, remember


@contextmanager
def opened_to_look(*, demo: bool, wait: bool = True) -> Iterator[Sources]:
    """What the plan of a deploy is made from, given back afterwards; nothing can be changed through it.

    Of an embedded warehouse a file that is not there yet is an empty catalog.
    """
    if demo:
        with opened_ports(demo=True) as ports:
            yield ports
        return
    sources = connect_sources(announced_settings(("warehouse",)), SystemClock(), looks=True)
    try:
        await_warehouse(sources.warehouse, wait=wait)
        yield sources
    finally:
        sources.warehouse.close()


def _echo(text: str) -> None:
    typer.echo(text, err=True)


def _wait_for_the_end(
    guardian: TextIO | None = None,
    until: Callable[[], bool] = lambda: False,
    began: Callable[[], None] = lambda: None,
) -> None:
    """Until Ctrl-C, SIGTERM or a closed terminal, until the guardian's line ends, or until something has happened.

    `began` is called once any of these would end it in good order.
    """
    over = threading.Event()
    if guardian:
        threading.Thread(target=_at_the_end_of, args=(guardian, over.set), daemon=True).start()
    with _handled(lambda *_: over.set()):
        began()
        while not over.wait(0.5) and not until():
            pass


@contextmanager
def _unwinding() -> Iterator[None]:
    """Whatever ends the process does so as an exception, so that nothing temporary is left."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)  # as a shell reports it

    with _handled(leave):
        yield


@contextmanager
def _handled(handler: Callable[[int, object], object]) -> Iterator[None]:
    """Within it, signals that end a process do this; those that are ignored (nohup) stay so."""
    before = {name: was for name in ENDING if (was := signal.getsignal(name)) is not signal.SIG_IGN}
    for name in before:
        signal.signal(name, handler)
    try:
        yield
    finally:
        for name, was in before.items():
            signal.signal(name, was or signal.SIG_DFL)


def _at_the_end_of(line: TextIO, act: Callable[[], None]) -> None:
    line.read()
    act()
