"""One tick of a sensor: what it asks for, and what it set aside.

Belongs here: the one door that the requests of all sensors pass. A request for a partition that
does not exist is set aside there, so that Dagster does not refuse the whole tick for it.
Elsewhere: finding what is due (sensors.py), what runs in hand will bring (asked_for.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import dagster as dg

from aggregation_platform.observability.masking import masked_text

REASON_TAG = "aggregation_platform/reason"
"""A run's tag that says why it was asked for."""
_NAMED = 5


@dataclass(frozen=True)
class SetAside:
    """One item that a tick could not use, and why. The rest of the tick goes on."""

    item: str
    reason: str

    def __str__(self) -> str:
        return masked_text(f"{self.item}: {self.reason}")


Found: TypeAlias = dg.RunRequest | SetAside


@dataclass(frozen=True)
class Tick:
    """What a sensor found in one tick.

    Args:
        requests: Requests for partitions that exist.
        set_aside: Everything else, each with its reason.
    """

    requests: Sequence[dg.RunRequest]
    set_aside: Sequence[SetAside]

    @property
    def note(self) -> str:
        """Count what was set aside and name the first of it; empty if nothing was."""
        if not self.set_aside:
            return ""
        named = "; ".join(str(each) for each in self.set_aside[:_NAMED])
        more = len(self.set_aside) - _NAMED
        return f"set aside {len(self.set_aside)}: {named}" + (
            f"; and {more} more" if more > 0 else ""
        )


def tick_of(found: Iterable[Found], partitions: dg.PartitionsDefinition[Any] | None) -> Tick:
    """Part the requests that Dagster takes from the rest.

    Args:
        found: What a sensor found due or set aside.
        partitions: Of the sensor's job; None if it has none.
    """
    requests: list[dg.RunRequest] = []
    aside: list[SetAside] = []
    for each in found:
        if isinstance(each, SetAside):
            aside.append(each)
        elif _exists(each.partition_key, partitions):
            requests.append(each)
        else:
            aside.append(
                SetAside(
                    f"partition {each.partition_key}",
                    "it does not exist; its organization is not in platform.yaml, or its day is "
                    "before the earliest first_day there or not begun",
                )
            )
    return Tick(requests, aside)


def _exists(key: str | None, partitions: dg.PartitionsDefinition[Any] | None) -> bool:
    if partitions is None or key is None:
        return partitions is None and key is None
    return partitions.has_partition_key(key)
