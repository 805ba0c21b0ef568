"""Tables on the page: what a business rule is told with."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from aggregation_platform.tables import INSTANT, Table

Told = Callable[..., pl.DataFrame]


@pytest.fixture(scope="session")
def told() -> Told:
    """Read rows of a declared table from text: `told(HANDLE_TIME, "a | b …", org="us")`.

    The first line names columns, a line of dashes is skipped, an empty cell is null. Keywords
    fill a column for every row; what neither names is null. Durations may have _ in them.
    """

    def read(table: Table, text: str, **constants: Any) -> pl.DataFrame:
        lines = [line for line in text.strip().splitlines() if not set(line.strip()) <= set("-+")]
        names, *rows = [[cell.strip() or None for cell in line.split("|")] for line in lines]
        columns = {str(name): [row[place] for row in rows] for place, name in enumerate(names)}
        unknown = {*columns, *constants} - set(table.frame_schema)
        assert not unknown, f"{table.key} has no {unknown}"
        return pl.DataFrame(
            [
                _column(name, dtype, columns.get(name), constants.get(name), len(rows))
                for name, dtype in table.frame_schema.items()
            ]
        )

    return read


def _column(
    name: str, dtype: pl.DataType, cells: list[str | None] | None, constant: Any, height: int
) -> pl.Series:
    if cells is None:
        return pl.Series(name, [constant] * height, dtype)
    texts = pl.Series(name, cells, pl.String)
    if dtype == INSTANT:
        return texts.str.to_datetime(time_unit="us", time_zone="UTC")
    if dtype.is_integer():
        return texts.str.replace_all("_", "").cast(dtype)
    return texts.str.to_date() if dtype == pl.Date else texts.cast(dtype)
