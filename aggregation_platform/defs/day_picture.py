"""The answer of a day and its small picture, as the Dagster UI shows them without a click.

Belongs here: one sentence and one drawing. Elsewhere: the large plot and tables (pictures.py).

The UI shows Markdown of fewer than 1,000 characters in place and hides a longer one behind
"[Show Markdown]". So the picture is an SVG that says only what a look can take in: a bar an hour,
and the line of AHT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg
import polars as pl

from aggregation_platform.defs.pictures import minutes_and_seconds

SHOWN_IN_PLACE = 1_000
"""Markdown of fewer characters is shown in place."""

_HOUR = 20
_TOP, _FLOOR, _HEIGHT = 6, 96, 112
_ENCODED = str.maketrans({" ": "%20", "<": "%3C", ">": "%3E", "#": "%23"})


def answer(total: Mapping[str, object], missing: Sequence[str]) -> dg.MarkdownMetadataValue:
    """Say a day's AHT, its finality, and who is missing, in one line.

    Args:
        total: The total row of `rollups.aht`: handled_count, aht_ms, finality.
        missing: The orgs without a partition of the day.
    """
    aht_ms, handled = total["aht_ms"], total["handled_count"]
    aht = minutes_and_seconds(aht_ms) if isinstance(aht_ms, int) else None
    figure = f"AHT **{aht}** over {handled:,} handled" if aht else "Nothing was handled"
    who = f"Missing: **{', '.join(missing)}**." if missing else "No organization is missing."
    return dg.MetadataValue.md(f"{figure}. {str(total['finality']).capitalize()}. {who}")


def course_of_the_day(rollup: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Draw a day of `rollups.handle_time`: handled sessions an hour as bars, AHT as a line."""
    hours = _by_hour(rollup)
    if not hours:
        return dg.MetadataValue.md("Nothing was handled on this day.")
    most = max(hours, key=lambda hour: hours[hour][0])
    times = {hour: ms / count for hour, (count, ms) in hours.items()}
    shortest, longest = (minutes_and_seconds(round(pick(times.values()))) for pick in (min, max))
    said = (
        f"Bars: handled sessions an hour, most {hours[most][0]:,} at {most:02d}:00 UTC. "
        f"Line: AHT, {shortest} to {longest}."
    )
    drawn = _svg(
        _bars({hour: count for hour, (count, _) in hours.items()}),
        _line({hour: _scaled(time, max(times.values())) for hour, time in times.items()}),
    )
    return dg.MetadataValue.md(f"![course of the day](data:image/svg+xml,{drawn})\n\n{said}")


def _by_hour(rollup: pl.DataFrame) -> dict[int, tuple[int, int]]:
    """Return handled count and handle time of each hour that has any."""
    sums = (
        rollup.group_by(hour=pl.col("interval_start").dt.hour())
        .agg(pl.col("handled_count").sum(), pl.col("handle_ms").sum())
        .filter(pl.col("handled_count") > 0)
        .sort("hour")
    )
    return {hour: (count, ms) for hour, count, ms in sums.iter_rows()}


def _bars(counts: Mapping[int, int]) -> str:
    """Return the path whose strokes are the bars."""
    most = max(counts.values())
    return "".join(
        f"M{_middle(hour)},{_FLOOR}V{_scaled(count, most)}" for hour, count in counts.items()
    )


def _line(heights: Mapping[int, int]) -> str:
    """Return the path through the hours, open where an hour has nothing."""
    return "".join(
        f"{'L' if hour - 1 in heights else 'M'}{_middle(hour)},{height}"
        for hour, height in heights.items()
    )


def _middle(hour: int) -> int:
    return hour * _HOUR + _HOUR // 2


def _scaled(value: float, most: float) -> int:
    return _FLOOR - round((_FLOOR - _TOP) * value / most) if most else _FLOOR


def _svg(bars: str, line: str) -> str:
    ticks = "".join(
        f"<text x='{hour * _HOUR}' y='{_HEIGHT}'>{hour}h</text>" for hour in (0, 6, 12, 18)
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='480' height='{_HEIGHT + 4}'>"
        f"<path stroke='#8bd' stroke-width='14' d='{bars}'/>"
        f"<path stroke='#d60' stroke-width='2' fill='none' d='{line}'/>"
        f"<g fill='#888' font-size='11'>{ticks}</g></svg>"
    ).translate(_ENCODED)
