"""What is said and kept of a connection that comes and goes."""

import pytest

from bot.slack.connection_status import ConnectionStatus


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_an_outage_is_warned_of_once_and_then_at_growing_intervals(watch: Watch, caplog) -> None:
    status = ConnectionStatus(wall=lambda: 1_000_000.0 + watch.seconds, monotonic=watch)
    for _ in range(3600):
        status.failed("Slack cannot be reached")
        watch.seconds += 1
    warnings = [line for line in caplog.messages if "not connected to Slack since 1970-01-12T13:48:20Z" in line]
    assert 5 <= len(warnings) <= 7, "at 0, 1, 3, 7, 15 and 31 minutes"


def test_another_reason_is_said_at_once(watch: Watch, caplog) -> None:
    status = ConnectionStatus(monotonic=watch)
    for why in ("Slack asks for patience (429)", "Slack refuses: invalid_auth"):
        status.failed(why)
    assert sum("not connected" in line for line in caplog.messages) == 2


def test_what_nobody_foresaw_is_logged_with_its_traceback(watch: Watch, caplog) -> None:
    ConnectionStatus(monotonic=watch).failed("KeyError", KeyError("url"))
    assert caplog.records[0].exc_info


def test_the_end_of_an_outage_says_how_long_it_was_and_is_kept(watch: Watch, caplog) -> None:
    kept: list[float] = []
    status = ConnectionStatus(kept.append, monotonic=watch)
    status.connected(0)
    status.lost()
    watch.seconds += 200
    status.failed("Slack cannot be reached")
    watch.seconds += 100
    status.connected(0)
    assert kept == [300.0]
    assert "connected to Slack again after 5 min" in caplog.text


def test_a_line_that_is_replaced_at_once_is_no_outage(watch: Watch, caplog) -> None:
    kept: list[float] = []
    status = ConnectionStatus(kept.append, monotonic=watch)
    status.connected(0)
    status.lost()
    watch.seconds += 2
    status.connected(0)
    assert kept == []
    assert not caplog.records or all(record.levelname == "INFO" for record in caplog.records)


def test_an_outage_that_lasts_when_the_bot_stops_is_kept(watch: Watch) -> None:
    kept: list[float] = []
    status = ConnectionStatus(kept.append, monotonic=watch)
    watch.seconds += 90
    status.close()
    assert kept == [90.0]


def test_others_on_our_app_token_are_warned_of_once_for_each_count(watch: Watch, caplog) -> None:
    status = ConnectionStatus(monotonic=watch)
    for others in (1, 1, 2, 0, -1):
        status.connected(others)
    warned = [line for line in caplog.messages if "with this app token" in line]
    assert len(warned) == 2
    assert status.others == 0
