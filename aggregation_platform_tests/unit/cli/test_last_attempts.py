"""The last attempt, its error, the next try, and how a backfill gets on: as judged from rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aggregation_platform.cli.attempts import (
    backfill_of,
    document,
    last_attempts,
    told,
)
from aggregation_platform.errors import TransientSourceError
from aggregation_platform.extraction.attempts import in_one_sentence

NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)
LAST = "the last attempt for 2026-01-07 failed at 2026-01-08 11:30 UTC: POST /x: status 503"


def failed(minutes_ago: int, **more: Any) -> dict[str, Any]:
    return {
        "reason": "POST /x: status 503",
        "error": "TransientSourceError",
        "failed_at": NOON - timedelta(minutes=minutes_ago),
        "day": date(2026, 1, 7),
        "next_try_at": None,
        **more,
    }


def line(
    stored_minutes_ago: int | None, row: dict[str, Any] | None, until: datetime | None = None
) -> str | None:
    stored = None if stored_minutes_ago is None else NOON - timedelta(minutes=stored_minutes_ago)
    return told(last_attempts(stored, row), blocked_until=until, now=NOON)


@pytest.mark.parametrize(
    ("stored", "row", "said"),
    [
        (5, None, None),
        (None, None, None),
        (
            90,
            failed(30, next_try_at=NOON + timedelta(minutes=10)),
            (f"{LAST}; next try after 2026-01-08 12:10 UTC"),
        ),
        (
            None,
            failed(30, next_try_at=NOON - timedelta(minutes=1)),
            (
                f"{LAST}; next try was due at 2026-01-08 11:59 UTC; "
                "if it does not come, the automation is off"
            ),
        ),
        (
            None,
            failed(30),
            (f"{LAST}; next try within 80 minutes, if the automation runs"),
        ),
        (
            5,
            failed(30),
            (
                "an attempt for 2026-01-07 failed at 2026-01-08 11:30 UTC: "
                "POST /x: status 503; something was stored since"
            ),
        ),
    ],
)
def test_the_line_says_what_failed_when_and_when_it_is_tried_next(
    stored: int | None, row: dict[str, Any] | None, said: str | None
):
    assert line(stored, row) == said


def test_a_block_that_lasts_longer_moves_the_next_try():
    row = failed(30, next_try_at=NOON + timedelta(minutes=10))

    assert "after 2026-01-08 15:00 UTC" in str(line(None, row, NOON + timedelta(hours=3)))


def test_the_last_attempt_is_the_later_of_both():
    assert last_attempts(NOON, failed(30)).last_at == NOON
    assert last_attempts(NOON - timedelta(hours=9), failed(30)).is_failing


def test_the_document_names_the_error():
    found = document(last_attempts(None, failed(30)), None)

    assert found["backfill"] is None
    assert found["attempts"] == {
        "last_at": NOON - timedelta(minutes=30),
        "last_failed": True,
        "last_error": {
            "at": NOON - timedelta(minutes=30),
            "day": date(2026, 1, 7),
            "error": "TransientSourceError",
            "reason": "POST /x: status 503",
        },
        "next_try_at": None,
    }


def test_a_backfill_says_how_many_days_are_left_and_for_how_long():
    lately = {"days": 31, "first_at": NOON - timedelta(minutes=30)}

    found = backfill_of(lately, missing=300, now=NOON)

    assert found is not None
    assert found.minutes_left == 300.0
    assert str(found) == (
        "backfill: 31 days of the past stored in the last hour, 300 missing, about 5 h left"
    )
    assert backfill_of(None, missing=300, now=NOON) is None
    assert "left" not in str(backfill_of(lately, missing=0, now=NOON))


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("POST /a: status 503. Repeated within bounds.", "POST /a: status 503"),
        ("a call of +49 30 1234567 by ann@example.com broke. Wait.", "a call of *** by *** broke"),
        ("two\nlines, version 1.5 of it", "two lines, version 1.5 of it"),
    ],
)
def test_an_error_is_one_masked_sentence_without_its_remedy(message: str, sentence: str):
    assert in_one_sentence(TransientSourceError("us", message), "us") == sentence
