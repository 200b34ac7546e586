"""The pauses after a busy museum's refusal."""

import time
from email.utils import formatdate

import pytest

from patina.crawler.patience import retry_after_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(b"120", 120), (b"0.5", 0.5), (b"-5", 0), (b"Mon, 01 Jan 2024 00:00:00 GMT", 0)],
)
def test_a_pause_has_the_length_that_the_museum_states(header: bytes, seconds: float) -> None:
    assert retry_after_s(header) == seconds


def test_a_pause_lasts_until_the_time_that_the_museum_states() -> None:
    in_an_hour = formatdate(time.time() + 3600, usegmt=True).encode()
    assert retry_after_s(in_an_hour) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("header", [None, b"", b"soon", b"\xff"])
def test_an_unreadable_retry_after_header_gives_no_time(header: bytes | None) -> None:
    assert retry_after_s(header) is None
