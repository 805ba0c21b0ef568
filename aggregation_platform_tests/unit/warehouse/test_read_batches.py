"""Frames that are read back are bounded by bytes: a raw record is a hundred times a metric."""

from pathlib import Path

import polars as pl

from aggregation_platform.raw.tables import CONVERSATIONS
from aggregation_platform.warehouse.spool import BATCH_BYTES, read_parts, write_part


def test_large_rows_come_back_in_frames_of_bounded_size(tmp_path: Path):
    rows, part = 8_000, tmp_path / "00001.parquet"
    text = pl.Series("payload", [f"{number:08d}" * 1_000 for number in range(rows)])
    write_part(text.to_frame(), part)
    payload = [column for column in CONVERSATIONS.columns if column.name == "payload"]

    frames = list(read_parts([part], payload))

    assert sum(frame.height for frame in frames) == rows
    assert max(frame["payload"].str.len_bytes().sum() for frame in frames) < 2 * BATCH_BYTES
    assert len(frames) > 1
