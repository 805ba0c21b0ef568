"""The people, queues and codes of a simulated org.

Belongs here: what stands still while calls come and go: divisions, queues, users, wrap-up codes,
skills, groups, teams; who left and what was renamed. Elsewhere: how listings are served
(directory_api.py), what the true global names are (truth.py).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from aggregation_platform.simulator.dice import Dice, named_uuid
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.profiles import Profile, profile_of

PURPOSES = (
    ("Sales", "Support", "voice", 24),
    ("Billing", "Inquiries", "voice", 22),
    ("Technical", "Help", "voice", 18),
    ("Customer", "Retention", "voice", 10),
    ("Order", "Tracking", "voice", 12),
    ("VIP", "Desk", "voice", 4),
    ("Legacy", "Loyalty", "voice", 3),
    ("Internal", "Helpdesk", "voice", 2),
    ("Web", "Chat", "message", 10),
    ("Mail", "Service", "email", 6),
)
RENAMED, DELETED, UNMAPPED = "Order Tracking", "Legacy Loyalty", "Internal Helpdesk"
WRAP_UPS = (
    "Resolved", "Follow-up needed", "Sale made", "No sale", "Complaint", "Wrong number",
    "Transferred", "Callback agreed", "Password reset", "Refund granted",
)  # fmt: skip
TEAMS = ("Morning shift", "Evening shift", "Weekend shift", "Night shift")
SKILLS = ("English", "Spanish", "Mortgage", "Escalation", "Portuguese", "Network")
_FIRST = (
    "Ana", "Bruno", "Chen", "Dora", "Emeka", "Fatima", "Goran", "Hana", "Ivan", "Julia", "Kofi",
    "Lena", "Marco", "Nina", "Omar", "Priya", "Quentin", "Rosa", "Sven", "Tara", "Umar", "Vera",
    "Wei", "Ximena", "Yusuf", "Zoe", "Aoife", "Bjorn", "Chloe", "Dev",
)  # fmt: skip
_LAST = (
    "Adams", "Bauer", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Hughes", "Ito", "Jansen",
    "Kumar", "Lopez", "Moreau", "Novak", "Okafor", "Patel", "Quist", "Rossi", "Silva", "Tanaka",
    "Ueda", "Vega", "Weber", "Xu", "Young", "Zhang",
)  # fmt: skip
TRAVELLERS = 6
"""People who work in two neighbouring orgs under one e-mail address, in a different case."""
RULED = 2
"""Further people in two orgs whose addresses differ, so that only a rule can tell."""


@dataclass(frozen=True, slots=True)
class Division:
    """An access boundary inside the org."""

    id: str
    name: str
    home: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue; `name` is today's, `old_name` the one before `renamed_on`."""

    id: str
    name: str
    purpose: str
    media: str
    weight: int
    division: Division
    flow_id: str
    in_queue_flow_id: str
    service_level_ms: int
    deleted: bool
    renamed_on: date | None = None
    old_name: str | None = None

    def name_on(self, day: date) -> str:
        """Give the name that records of that day carry."""
        if self.renamed_on and self.old_name and day < self.renamed_on:
            return self.old_name
        return self.name


@dataclass(frozen=True, slots=True)
class User:
    """A person with a login; `left_on` is the first day without work."""

    id: str
    name: str
    email: str
    state: str
    division: Division
    person: str
    left_on: date | None
    station: str


class Directory:
    """One org's standing data, made of the seed and the org's key alone."""

    def __init__(self, options: SimulatorOptions, org: str) -> None:
        self.options = options
        self.org = org
        self.profile: Profile = profile_of(org)
        self.organization_id = named_uuid(options.seed, org, "organization")
        self.client_id = named_uuid(options.seed, org, "client")
        self.client_secret = f"secret-of-{org}-{options.seed}"

    def _id(self, *words: object) -> str:
        return named_uuid(self.options.seed, self.org, *words)

    @cached_property
    def divisions(self) -> tuple[Division, ...]:
        """Home and two more."""
        names = ("Home", "Retail", "Wholesale")
        return tuple(Division(self._id("division", n), n, n == "Home") for n in names)

    @cached_property
    def queues(self) -> tuple[Queue, ...]:
        """All queues that ever were, the deleted one included."""
        return tuple(self._queue(*purpose) for purpose in PURPOSES)

    def _queue(self, first: str, second: str, media: str, weight: int) -> Queue:
        purpose = f"{first} {second}"
        name = self.profile.queue_style.format(a=first, b=second)
        renamed = purpose == RENAMED
        middle = self.options.first_day + timedelta(days=self.options.days // 2)
        place = Dice(self.options.seed, self.org, purpose)
        return Queue(
            id=self._id("queue", purpose),
            name=f"{name} (new)" if renamed else name,
            purpose=purpose,
            media=media,
            weight=weight,
            division=place.pick(self.divisions),
            flow_id=self._id("flow", purpose),
            in_queue_flow_id=self._id("in-queue flow", purpose),
            service_level_ms=86_400_000 if media == "email" else 20_000,
            deleted=purpose == DELETED,
            renamed_on=middle if renamed else None,
            old_name=name if renamed else None,
        )

    def queues_for(self, media: str) -> tuple[Queue, ...]:
        """Queues of a medium, repeated by weight, to pick from."""
        return self._weighted[media]

    @cached_property
    def _weighted(self) -> dict[str, tuple[Queue, ...]]:
        return {
            media: tuple(q for q in self.queues if q.media == media for _ in range(q.weight))
            for media in ("voice", "message", "email")
        }

    @cached_property
    def users(self) -> tuple[User, ...]:
        """Everybody who ever had a login; six in a hundred have left, some are inactive."""
        return tuple(self._user(place) for place in range(self.options.agents_per_org))

    def _person(self, place: int) -> str:
        """Name the person at this place: a traveller sits there in the next org too."""
        orgs, here = self.options.orgs, self.options.orgs.index(self.org)
        there = here ^ 1 if place % 2 == 0 else ((here + 1) ^ 1) - 1
        if place < TRAVELLERS + RULED and 0 <= there < len(orgs):
            return f"{orgs[min(here, there)]}+{orgs[max(here, there)]}:{place}"
        return f"{self.org}:{place}"

    def _user(self, place: int) -> User:
        person = self._person(place)
        words = Dice(self.options.seed, "person", person)
        first, last = words.pick(_FIRST), words.pick(_LAST)
        number = words.whole(10, 99)
        email = f"{first}.{last}{number}@{self.org}.example.com".lower()
        if "+" in person:
            email = f"{first}.{last}{number}@global.example.com"
            if place >= TRAVELLERS:
                email = f"{first[0]}{last}.{self.org}@example.com".lower()
            elif self.options.orgs.index(self.org) % 2:
                email = email.lower()
        span = max(1, self.options.days)
        left = place % 17 == 16
        left_on = self.options.first_day + timedelta(days=words.whole(1, span)) if left else None
        return User(
            id=self._id("user", place),
            name=f"{first} {last}",
            email=email,
            state=("deleted" if place % 2 else "inactive") if left else "active",
            division=words.pick(self.divisions),
            person=person,
            left_on=left_on,
            station=f"{words.bits(96):024x}",
        )

    @cached_property
    def _stayers(self) -> tuple[User, ...]:
        return tuple(user for user in self.users if user.left_on is None)

    def agent(self, dice: Dice, day: date) -> User:
        """Choose somebody who works on that day."""
        user = dice.pick(self.users)
        if user.left_on and day >= user.left_on:
            return dice.pick(self._stayers)
        return user

    @cached_property
    def wrap_up_ids(self) -> tuple[str, ...]:
        """Ids of the wrap-up codes, in the order of their names here."""
        return tuple(self._id("wrap-up", name) for name in WRAP_UPS)

    @cached_property
    def skill_ids(self) -> tuple[str, ...]:
        """Ids of the skills."""
        return tuple(self._id("skill", name) for name in SKILLS)

    @cached_property
    def team_ids(self) -> tuple[str, ...]:
        """Ids of the teams, in the order of their names here."""
        return tuple(self._id("team", name) for name in TEAMS)

    def team_of(self, user: User) -> str:
        """Give the id of the team that a user works in."""
        return self.team_ids[int(user.id[0], 16) % len(TEAMS)]

    @cached_property
    def edge_ids(self) -> tuple[str, ...]:
        """Ids of four telephony edges."""
        return tuple(self._id("edge", n) for n in range(4))

    def site_number(self, place: int) -> str:
        """Give one of the org's own dialled numbers."""
        return f"{self.profile.site_prefix}{place:05d}"
