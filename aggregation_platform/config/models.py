"""The configuration as frozen models: design's platform.yaml, key by key.

Belongs here: the keys, their defaults, the relations between them. Elsewhere: what a single value
may be (values.py), reading the file and the environment (load.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from aggregation_platform.config import regions
from aggregation_platform.config.deferred import Deferred, Secret
from aggregation_platform.config.values import (
    AsList,
    AsMapping,
    Country,
    Day,
    DuckDBFile,
    FilePath,
    LandingUrl,
    OrganizationId,
    OrgKey,
    RegionName,
    SiteName,
    Text,
    TimeZoneName,
    Url,
    did_you_mean,
    positive_number,
    refuse,
    refuse_at,
    whole_number,
)
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.zones import why_not_exact

DEFAULT_DATA_FOLDER = Path("data")
_ITS_DEFAULTS: Any = {}
"""A section that is left out is validated too, so that its paths are taken from the folder."""


class Strict(BaseModel):
    """Frozen; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class OrganizationConfig(Strict):
    """One Genesys Cloud organization.

    `api_url` and `login_url` are always filled: from the region unless both are given.
    """

    org: OrgKey = Field(description="a short key such as us")
    name: Text = Field(default="", validate_default=False)
    region: RegionName | None = None
    api_url: Url = Field(default="", validate_default=False)
    login_url: Url = Field(default="", validate_default=False)
    organization_id: OrganizationId | None = None
    client_id: Secret = Field(description="client_id: ${GENESYS_US_CLIENT_ID}")
    client_secret: Secret = Field(description="client_secret: ${GENESYS_US_CLIENT_SECRET}")
    first_day: Day = Field(description="the first day to fetch, such as first_day: 2026-01-01")
    requests_per_second: Annotated[int, whole_number(1, 100)] = 5
    page_size: Annotated[int, whole_number(1, 10_000)] = 1000
    time_zone: TimeZoneName = "UTC"
    country: Country | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_addresses(cls, data: object) -> object:
        """Derive both addresses from the region unless one is given."""
        if not isinstance(data, dict):
            return data
        keys = cast("dict[str, Any]", data)
        region = keys.get("region")
        is_known = isinstance(region, str) and regions.canonical(region) in regions.DOMAINS
        if not is_known or "api_url" in keys or "login_url" in keys:
            return keys
        return keys | regions.hosts(str(region))._asdict()

    @model_validator(mode="after")
    def _has_addresses(self) -> Self:
        given = self.model_fields_set & {"api_url", "login_url"}
        if len(given) == 1:
            refuse_at(min(given), "give both api_url and login_url, or neither (region gives both)")
        if not given:
            refuse_at("region", "add region: us-east-1 (or yours), or api_url and login_url")
        return self

    @field_validator("first_day")
    @classmethod
    def _has_begun(cls, first_day: date, info: ValidationInfo) -> date:
        context = cast("dict[str, Any] | None", info.context)
        today = context["today"] if context else None
        if today is not None and first_day > today:
            refuse(f"it is in the future; use a day up to today, {today} (UTC)")
        return first_day

    @model_validator(mode="after")
    def _name_itself(self) -> Self:
        """Let an organization without a name be called by its key."""
        if not self.name:
            object.__setattr__(self, "name", self.org)
        return self


def _where_the_client_belongs(entry: OrganizationConfig) -> str:
    """Name the org a client belongs to: an OAuth client exists in one organization only."""
    if not entry.client_id.is_available:
        return ""
    return f"{entry.api_url} {entry.client_id.reveal()}"


class JourneyRules(Strict):
    """What counts as evidence that conversations of different orgs are one contact."""

    correlation_keys: Annotated[tuple[Text, ...], AsList] = ("IVR_UU_ID",)
    transfer_seconds: Annotated[int, whole_number(0, 600)] = 10
    ani_window_minutes: Annotated[int, whole_number(0, 1440)] = 5
    max_legs: Annotated[int, whole_number(2, 1000)] = 20
    max_span_hours: Annotated[int, whole_number(1, 168)] = 22
    ignored_numbers: Annotated[tuple[Text, ...], AsList] = ()
    common_number_per_day: Annotated[int, whole_number(1, 100_000)] = 5
    common_value_per_day: Annotated[int, whole_number(1, 100_000)] = 20
    common_value_callers: Annotated[int, whole_number(1, 1000)] = 3
    common_value_minutes: Annotated[int, whole_number(1, 60)] = 5


class RulesConfig(Strict):
    """Where the mapping rules are; no path, no rules."""

    queues: FilePath | None = None
    agents: FilePath | None = None
    journeys: Annotated[JourneyRules, AsMapping] = _ITS_DEFAULTS


class DuckDBConfig(Strict):
    """The embedded warehouse: one file."""

    path: DuckDBFile = cast("Path", "data/warehouse.duckdb")


class SnowflakeConfig(Strict):
    """A Snowflake account; most values may come from a variable and are revealed when needed.

    One way to log in: private_key_path, or password, or authenticator with what it needs.
    """

    account: Deferred = Field(description="the account identifier, such as myorg-account1")
    user: Deferred = Field(description="the service user")
    role: Deferred = Field(description="the writer's role")
    warehouse: Deferred = Field(description="the virtual warehouse that computes")
    database: Deferred = Field(description="the database that holds the schemas")
    private_key_path: Deferred | None = Field(
        default=None, description="the file of the user's private key (PEM)"
    )
    private_key_passphrase: Secret | None = None
    password: Secret | None = None
    authenticator: Text | None = None
    token: Secret | None = None
    host: Deferred | None = None
    port: Annotated[int, whole_number(1, 65_535)] | None = None
    protocol: Literal["https", "http"] | None = None
    network_timeout_seconds: Annotated[int, whole_number(1, 3600)] = 600

    @model_validator(mode="after")
    def _has_one_way_to_log_in(self) -> Self:
        if not (self.private_key_path or self.password or self.authenticator):
            refuse_at("private_key_path", "add it, or password, or authenticator (and token)")
        if self.private_key_path and self.password:
            refuse_at("password", "give private_key_path or password, not both")
        if self.private_key_passphrase and not self.private_key_path:
            refuse_at("private_key_passphrase", "it belongs to private_key_path, which is missing")
        if self.token and not self.authenticator:
            refuse_at("token", "say what it is with authenticator, such as authenticator: oauth")
        return self


class WarehouseConfig(Strict):
    """Which warehouse holds the tables."""

    kind: Literal["duckdb", "snowflake"] = "duckdb"
    duckdb: Annotated[DuckDBConfig, AsMapping] = _ITS_DEFAULTS
    snowflake: Annotated[SnowflakeConfig, AsMapping] | None = None

    @model_validator(mode="after")
    def _has_its_account(self) -> Self:
        if self.kind == "snowflake" and self.snowflake is None:
            refuse_at("kind", "add warehouse.snowflake with account, user, private_key_path …")
        return self


class LandingConfig(Strict):
    """Where fetched pages are kept: an absolute folder, or an s3, az or gs address."""

    url: LandingUrl = "data/landing"

    @property
    def address(self) -> str:
        """The url.

        Raises:
            MissingVariableError: If its environment variable is not set.
        """
        return self.url.reveal() if isinstance(self.url, Deferred) else self.url


class SiteConfig(Strict):
    """This deployment among its siblings."""

    name: SiteName = "site1"
    role_source: Literal["lease"] = "lease"


class FreshnessConfig(Strict):
    """When an org counts as late, when as stuck, and for how long its days are read again."""

    delayed_after_minutes: Annotated[int, whole_number(1, 10_080)] = 15
    stuck_after_hours: Annotated[float, positive_number(720)] = 8.0
    reread_days: Annotated[int, whole_number(0, 30)] = 4

    @model_validator(mode="after")
    def _delayed_before_stuck(self) -> Self:
        if self.delayed_after_minutes >= self.stuck_after_hours * 60:
            refuse_at(
                "delayed_after_minutes",
                f"it must be less than stuck_after_hours ({self.stuck_after_hours:g} h = "
                f"{self.stuck_after_hours * 60:g} minutes)",
            )
        return self


class ReportingConfig(Strict):
    """What the reporting views offer beside UTC and each organization's own time."""

    time_zones: Annotated[tuple[TimeZoneName, ...], AsList] = ()
    fiscal_year_start_month: Annotated[int, whole_number(1, 12)] = 1


class PlatformConfig(Strict):
    """The whole configuration."""

    organizations: Annotated[tuple[OrganizationConfig, ...], AsList] = Field(
        description="a list of at least one organization"
    )
    rules: Annotated[RulesConfig, AsMapping] = _ITS_DEFAULTS
    warehouse: Annotated[WarehouseConfig, AsMapping] = _ITS_DEFAULTS
    landing: Annotated[LandingConfig, AsMapping] = _ITS_DEFAULTS
    site: Annotated[SiteConfig, AsMapping] = _ITS_DEFAULTS
    freshness: Annotated[FreshnessConfig, AsMapping] = _ITS_DEFAULTS
    reporting: Annotated[ReportingConfig, AsMapping] = _ITS_DEFAULTS
    _file: Path | None = PrivateAttr(default=None)

    @field_validator("organizations")
    @classmethod
    def _at_least_one(
        cls, organizations: tuple[OrganizationConfig, ...]
    ) -> tuple[OrganizationConfig, ...]:
        if not organizations:
            refuse("write at least one organization")
        return organizations

    @model_validator(mode="after")
    def _count_nothing_twice(self) -> Self:
        """Refuse two entries that are one organization: its calls would count twice."""
        self._distinct("org", lambda entry: entry.org)
        self._distinct("organization_id", lambda entry: (entry.organization_id or "").lower())
        self._distinct("client_id", _where_the_client_belongs)
        return self

    @model_validator(mode="after")
    def _zones_are_exact(self) -> Self:
        """Refuse a time zone in which the days and hours of half-hour cells would be wrong."""
        for index, entry in enumerate(self.organizations):
            reason = why_not_exact(entry.time_zone, entry.first_day)
            if reason is not None:
                refuse_at(f"organizations[{index}].time_zone", reason)
        first = min(entry.first_day for entry in self.organizations)
        for index, zone in enumerate(self.reporting.time_zones):
            reason = why_not_exact(zone, first)
            if reason is not None:
                refuse_at(f"reporting.time_zones[{index}]", reason)
        return self

    def _distinct(self, key: str, of: Callable[[OrganizationConfig], str]) -> None:
        seen: dict[str, int] = {}
        for index, entry in enumerate(self.organizations):
            value = of(entry)
            if value and value in seen:
                refuse_at(
                    f"organizations[{index}].{key}",
                    f"organizations[{seen[value]}] has it too; each organization needs its own",
                )
            seen.setdefault(value, index)

    def read_from(self, file: Path) -> Self:
        """Return the same configuration, remembering its file."""
        copy = self.model_copy()
        copy._file = file  # noqa: SLF001 - its own class
        return copy

    @property
    def file(self) -> Path | None:
        """The file it was read from; None when it was built in code."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder that relative paths were taken from."""
        return self._file.parent if self._file else Path()

    @property
    def state_folder(self) -> Path:
        """Where the processes of a site keep what they share: beside the DuckDB file, or data/."""
        if self.warehouse.kind == "duckdb":
            return self.warehouse.duckdb.path.parent
        return self.folder / DEFAULT_DATA_FOLDER

    @property
    def orgs(self) -> tuple[str, ...]:
        """The keys of the organizations, in the order written."""
        return tuple(entry.org for entry in self.organizations)

    def orgs_on(self, day: date) -> tuple[str, ...]:
        """The keys of the organizations that are fetched on that day, in the order written."""
        return tuple(entry.org for entry in self.organizations if entry.first_day <= day)

    def organization(self, org: str) -> OrganizationConfig:
        """Return one organization.

        Raises:
            ConfigurationError: If no organization has that key.
        """
        for entry in self.organizations:
            if entry.org == org:
                return entry
        raise ConfigurationError(
            f"no organization {org!r} is configured; {did_you_mean(org, self.orgs)}"
        )
