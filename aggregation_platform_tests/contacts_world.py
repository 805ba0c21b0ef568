"""A week of contacts over four orgs as their records tell it, with what is true about each.

The simulator writes the records; what happens is decided here: numbers as each org's telephony
writes them, case numbers that live for days, lines that had ended, lines that coincide, a constant
in place of a key. Nothing of the linking is known here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import combinations

import orjson
import polars as pl

from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.simulator.dice import Dice
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.scene import Scene
from aggregation_platform.simulator.stories import TALK, Line, Story
from aggregation_platform.simulator.world import World

ORGS = ("us", "emea", "apac", "anz")
COUNTRIES = {"us": "US", "emea": "GB", "apac": "SG", "anz": "AU"}
FIRST_DAY, DAYS = date(2026, 1, 5), 7
SPAN_HOURS = 60
CONSTANT, TEMPLATE = "ABCDEFGH12345678", "${Call.ConversationId}"

_CODES = {"us": "1", "emea": "44", "apac": "65", "anz": "61"}
_AREAS = {"us": "212", "emea": "207", "apac": "6", "anz": "29"}
_NATIONAL = {"us": "({0}) {1}", "emea": "0{0} {1}", "apac": "{0}{1}", "anz": "(0{0}){1}"}
_ABROAD = {"us": "011", "emea": "00", "apac": "001", "anz": "0011"}
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000

Name = tuple[str, str]


@dataclass(frozen=True)
class Number:
    """A telephone number by its home org and its digits there; `line` is an extension."""

    home: str
    digits: str
    line: str = ""

    def written(self, org: str, dice: random.Random, *, plainly: bool) -> str:
        """Write it as the telephony of an org does; always in E.164 if `plainly`."""
        area = _AREAS[self.home]
        international = f"{_CODES[self.home]}{area}{self.digits}"
        extension = f";ext={self.line}" if self.line else ""
        form = 0 if plainly else dice.randrange(4)
        if form == 1:
            return f"sip:%2B{international}{extension}@10.0.0.1:5060;user=phone"
        if form == 2 and org == self.home:
            return f"tel:{_NATIONAL[org].format(area, self.digits)}{extension}"
        if form == 3:
            return f"tel:{_ABROAD[org]}{international}{extension}"
        return f"tel:+{international}{extension}"


@dataclass
class ContactsWorld:
    """Stories of a week, and which of them are one contact."""

    seed: int
    plainly: bool = False
    """Write all numbers in E.164, and nothing else differently."""
    stories: dict[str, list[Story]] = field(default_factory=lambda: {org: [] for org in ORGS})
    contacts: list[list[Name]] = field(default_factory=list[list[Name]])
    far_uses: list[tuple[Name, Name]] = field(default_factory=list[tuple[Name, Name]])
    constants: set[Name] = field(default_factory=set[Name])

    def __post_init__(self) -> None:
        """Let the week happen."""
        self.what = random.Random(self.seed)  # noqa: S311 - a world, no secret
        self.how = random.Random(self.seed + 1)  # noqa: S311 - as above
        self.place = World(SimulatorOptions(seed=self.seed, orgs=ORGS, days=DAYS)).directories
        self.start = int(datetime.combine(FIRST_DAY, datetime.min.time(), UTC).timestamp() * 1000)
        self.next_number = 1_000_000
        for _ in range(25):
            self._called_again()
            self._case_over_days()
            self._transfer()
            self._ended_transfer()
            self._transfers_that_coincide()
            self._two_extensions()
            self._alone(self._number())
        for _ in range(3):
            self._constant_within_minutes()
        for _ in range(20):
            self._alone(self._number(), key=TEMPLATE)

    # What happens -------------------------------------------------------------------------

    def _called_again(self) -> None:
        caller, (one, other) = self._number(), self._orgs()
        at = self._moment()
        first = self._call(one, at, 3 * _MINUTE, caller)
        again = at + 3 * _MINUTE + self.what.randrange(5_000, 4 * _MINUTE)
        self.contacts.append([first, self._call(other, again, 2 * _MINUTE, caller)])

    def _case_over_days(self) -> None:
        """Use a case number over two days or so; and once more when all had forgotten it."""
        case, at = f"CASE-{self.what.getrandbits(40):010X}", self._moment(days=2)
        orgs = self.what.sample(ORGS, 2) * 3
        gaps = self.what.sample((2 * _MINUTE, 5 * _HOUR, 20 * _HOUR, 30 * _HOUR), 3)
        uses: list[Name] = []
        for org, gap in zip(orgs, [0, *gaps], strict=False):
            at += gap
            uses.append(self._call(org, at, _MINUTE, self._number(), tag=case))
        self.contacts.append(uses)
        late = self._call(orgs[4], at + (SPAN_HOURS + 3) * _HOUR, _MINUTE, self._number(), tag=case)
        if late[0] != uses[-1][0]:
            self.far_uses.append((uses[-1], late))

    def _transfer(self) -> None:
        one, other = self._orgs()
        caller, desk, at = self._number(), self._number(other), self._moment()
        dialled = at + 2 * _MINUTE
        seen = caller if self.what.random() < 0.5 else None
        first = self._call(one, at, 6 * _MINUTE, caller, dials=(desk, dialled, 3 * _MINUTE, caller))
        reached = self._call(other, dialled + 2_000, 3 * _MINUTE, seen, desk=desk)
        self.contacts.append([first, reached])

    def _ended_transfer(self) -> None:
        """Dial a desk in vain; three seconds after the line ended somebody else calls there."""
        one, other = self._orgs()
        desk, at = self._number(other), self._moment()
        dialled, rang = at + 2 * _MINUTE, self.what.randrange(1_000, 5_000)
        line = (desk, dialled, rang, self._number(one))
        self._call(one, at, 6 * _MINUTE, self._number(), dials=line)
        self._call(other, dialled + rang + 3_000, _MINUTE, None, desk=desk)

    def _transfers_that_coincide(self) -> None:
        """Dial one desk twice within seconds: the second line came too late for the first call."""
        one, other = self._orgs()
        desk, trunk, at = self._number(other), self._number(one), self._moment()
        for late in (0, 5_500):
            dialled = at + 2 * _MINUTE + late
            line = (desk, dialled, 3 * _MINUTE + late, trunk)
            first = self._call(one, at + late, 6 * _MINUTE, self._number(), dials=line)
            lasted = 9 * _MINUTE + 10 * late
            reached = self._call(other, dialled + 2_000, lasted, trunk, desk=desk)
            self.contacts.append([first, reached])

    def _two_extensions(self) -> None:
        one, other = self._orgs()
        number, at = self._number(one), self._moment()
        self._call(one, at, _MINUTE, Number(one, number.digits, "12"))
        self._call(other, at + 2 * _MINUTE, _MINUTE, Number(one, number.digits, "13"))

    def _constant_within_minutes(self) -> None:
        at = self._moment()
        for place in range(8):
            org = ORGS[place % 4]
            start = at + place * 20_000
            self.constants.add(self._call(org, start, _MINUTE, self._number(), key=CONSTANT))

    def _alone(self, caller: Number, key: str | None = None) -> None:
        org = self.what.choice(ORGS)
        self._call(org, self._moment(), 2 * _MINUTE, caller, key=key)

    # How it is recorded -------------------------------------------------------------------

    def _moment(self, days: int = DAYS) -> int:
        """Give an instant of the week, now and then right before midnight."""
        day = self.what.randrange(days)
        if self.what.random() < 0.2:
            return self.start + (day + 1) * _DAY - self.what.randrange(4 * _MINUTE)
        return self.start + day * _DAY + self.what.randrange(_DAY)

    def _orgs(self) -> tuple[str, str]:
        one, other = self.what.sample(ORGS, 2)
        return one, other

    def _number(self, home: str | None = None) -> Number:
        self.next_number += self.what.randrange(1, 9_000)
        return Number(home or self.what.choice(ORGS), f"{self.next_number:07d}")

    def _call(
        self,
        org: str,
        at: int,
        lasted: int,
        caller: Number | None,
        *,
        desk: Number | None = None,
        key: str | None = None,
        tag: str | None = None,
        dials: tuple[Number, int, int, Number] | None = None,
    ) -> Name:
        """Record one call, and the line that its agent dials."""
        place, name = self.place[org], f"{org}-{len(self.stories[org]):05d}"
        day = datetime.fromtimestamp(at / 1000, UTC).date()
        scene = Scene(place, Dice(self.seed, name), day, at, name, 10)
        story = scene.story("contact")
        written = self._written(org, caller) if caller else "tel:anonymous"
        desk = desk or Number(org, f"{9_000_000 + self.what.randrange(50):07d}")
        story.ani, story.dnis = written, self._written(org, desk)
        story.external_tag = tag
        if key:
            story.attributes["CallRef"] = key
        queue = place.queues_for("voice")[0]
        waited = scene.wait(story, at + 500, queue, 2_000, party=1)
        talk = ((TALK, max(lasted - 3_000, 1_000)),)
        story.add(scene.answer(waited, 2_000, queue, talk, party=2))
        if dials:
            number, dialled, up, shown = dials
            story.add(
                Line(
                    party=3,
                    media="voice",
                    direction="outbound",
                    start=dialled,
                    connected_ms=up,
                    disconnect="peer",
                    dnis=self._written(org, number),
                    ani=self._written(org, shown),
                    name="External",
                )
            )
        scene.call_in(story, queue, at + lasted, "endpoint")
        self.stories[org].append(story)
        return org, name

    def _written(self, org: str, number: Number) -> str:
        return number.written(org, self.how, plainly=self.plainly)

    # What is read of it -------------------------------------------------------------------

    def facts(self) -> dict[tuple[str, date], Facts]:
        """Read the records of each org and day, as a job would return those that begin on it."""
        found: dict[tuple[str, date], Facts] = {}
        for org, stories in self.stories.items():
            by_day: dict[date, list[Story]] = {}
            for story in stories:
                day = datetime.fromtimestamp(story.start / 1000, UTC).date()
                by_day.setdefault(day, []).append(story)
            for day, of_day in by_day.items():
                found[org, day] = facts_of(self._raw(org, day, of_day), org=org, day=day)
        return found

    def _raw(self, org: str, day: date, stories: Iterable[Story]) -> pl.DataFrame:
        records = [record_of(story, self.place[org]) for story in stories]
        raw = pl.DataFrame(
            {
                "payload": [orjson.dumps(record).decode() for record in records],
                "conversation_id": [record["conversationId"] for record in records],
                "position": range(len(records)),
            }
        ).with_columns(
            org=pl.lit(org),
            day=pl.lit(day),
            page=pl.lit(1),
            source=pl.lit("job"),
            job_id=pl.lit("job-1"),
            fetched_at=pl.lit(datetime(2026, 2, 1, tzinfo=UTC)),
        )
        return raw.select(pl.col(name).cast(kind) for name, kind in RAW.frame_schema.items())

    def true_pairs(self) -> set[tuple[Name, Name]]:
        """Name every two conversations of one contact."""
        return {pair for legs in self.contacts for pair in combinations(sorted(legs), 2)}
