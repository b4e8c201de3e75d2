"""Calls to the bucket that are given up, on whatever they wait."""

import threading
from contextlib import ExitStack
from io import SEEK_END, BytesIO

import pytest

from media_sync import hurry
from media_sync.hurry import OutOfTime, hurried, in_time

LOOKS = 20  # take longer than there is time


@pytest.fixture
def for_ever():
    """Something that is waited for in vain, until the test ends."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(hurry, "SECONDS", 0.1)
    monkeypatch.setattr(hurry, "LOOK_SECONDS", 0.05)


def test_call_that_does_not_end_is_left(for_ever):
    with hurried(), pytest.raises(OutOfTime):
        in_time(for_ever.wait)


def test_time_is_of_all_calls_together(for_ever):
    with hurried():
        with pytest.raises(OutOfTime):
            in_time(for_ever.wait)
        with pytest.raises(OutOfTime):
            in_time(lambda: 1)  # though it would take none


def test_time_begins_anew_with_the_next_request(for_ever, monkeypatch):
    with hurried(), pytest.raises(OutOfTime):
        in_time(for_ever.wait)
    monkeypatch.setattr(hurry, "SECONDS", 600)

    with hurried():
        assert in_time(lambda: 1) == 1


def test_call_of_somebody_who_has_time_is_made_where_it_is():
    assert in_time(threading.current_thread) is threading.current_thread()


def test_fault_of_a_call_is_its_callers(monkeypatch):
    monkeypatch.setattr(hurry, "SECONDS", 600)

    def fail() -> None:
        raise TimeoutError("its own")

    with hurried(), pytest.raises(TimeoutError, match="its own"):
        in_time(fail)


def test_time_in_which_a_file_moves_does_not_count(monkeypatch):
    monkeypatch.setattr(hurry, "BYTES_A_SECOND", 1e-6)  # so that a byte is worth days
    enough = threading.Event()

    class Growing(BytesIO):
        """Has moved whenever it is looked at."""

        looks = 0

        def tell(self) -> int:
            self.looks += 1
            if self.looks > LOOKS:
                enough.set()
            return self.looks

    file = Growing()
    with hurried():
        assert in_time(enough.wait, file) is True


def test_file_that_was_read_at_once_earns_no_more_than_a_look(for_ever, monkeypatch):
    """As when it is read for its signature, before the first byte is sent."""
    monkeypatch.setattr(hurry, "BYTES_A_SECOND", 1)
    file = BytesIO(b"x" * 600)

    def read_and_wait() -> None:
        file.seek(0, SEEK_END)
        for_ever.wait()

    with hurried(), pytest.raises(OutOfTime):
        in_time(read_and_wait, file)


def test_no_more_calls_are_made_at_once_than_there_are_connections():
    made = []

    with ExitStack() as taken:
        for _ in range(hurry.AT_ONCE):
            taken.enter_context(hurry._free)
        with hurried(), pytest.raises(OutOfTime):
            in_time(lambda: made.append(1))

    assert made == []
