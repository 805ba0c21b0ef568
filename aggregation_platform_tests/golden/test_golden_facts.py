"""A few simulated records, and the frames expected of them, in files beside this one.

A difference is either a fault or a decision. After a decision, write the expectation anew and look
at it before committing:

    python -m aggregation_platform_tests.golden.test_golden_facts
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aggregation_platform.facts.facts import facts_of
from aggregation_platform.facts.tables import TABLES
from aggregation_platform_tests.records import raw_frame

HERE = Path(__file__).parent
RECORDS = HERE / "facts_records.json"
EXPECTED = HERE / "facts_expected.json"
DAY = date(2026, 1, 5)


def built() -> dict[str, list[dict[str, Any]]]:
    """Facts of the records, as JSON would write them; what is null is left out."""
    facts = facts_of(raw_frame(json.loads(RECORDS.read_text()), day=DAY), org="us", day=DAY)
    return {
        table.name: [
            {key: value for key, value in row.items() if value is not None}
            for row in json.loads(frame.write_json())
        ]
        for table, frame in facts.by_table()
    }


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_the_frames_of_the_golden_records_are_as_they_were(table):
    expected = json.loads(EXPECTED.read_text())

    assert built()[table] == expected[table]


def _one_row_a_line(tables: dict[str, list[dict[str, Any]]]) -> str:
    """Write JSON in which a difference is a line."""
    texts = (
        f'"{name}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
        for name, rows in tables.items()
    )
    return "{\n" + ",\n".join(texts) + "\n}\n"


if __name__ == "__main__":
    EXPECTED.write_text(_one_row_a_line(built()))
