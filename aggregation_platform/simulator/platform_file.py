"""A platform.yaml and rules that fit the simulated orgs.

Belongs here: writing what a person would have written for these orgs. Elsewhere: reading it.
"""

import csv
from pathlib import Path

import yaml

from aggregation_platform.simulator.directory import RULED, TRAVELLERS, UNMAPPED
from aggregation_platform.simulator.scene import CORRELATION_KEY
from aggregation_platform.simulator.world import World


class _Plain(yaml.SafeDumper):
    """Writes every value where it belongs, without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base's signature
        return True


def platform_yaml(world: World, url: str, directory: Path) -> str:
    """Give the text of a platform.yaml whose files live under `directory`."""
    organizations = [
        {
            "org": org,
            "name": place.profile.name,
            "region": place.profile.region,
            "api_url": f"{url}/{org}",
            "login_url": f"{url}/{org}",
            "organization_id": place.organization_id,
            "client_id": place.client_id,
            "client_secret": place.client_secret,
            "first_day": world.options.first_day,
            "requests_per_second": 50,
            "page_size": 1000,
            "time_zone": place.profile.time_zone,
        }
        for org, place in world.directories.items()
    ]
    content = {
        "organizations": organizations,
        "rules": {
            "queues": str(directory / "rules" / "queues.csv"),
            "agents": str(directory / "rules" / "agents.csv"),
            "journeys": {
                "correlation_keys": [CORRELATION_KEY],
                "transfer_seconds": 10,
                "ani_window_minutes": 5,
                "max_legs": 20,
                "ignored_numbers": [],
            },
        },
        "warehouse": {
            "kind": "duckdb",
            "duckdb": {"path": str(directory / "data" / "warehouse.duckdb")},
        },
        "landing": {"url": str(directory / "data" / "landing")},
        "site": {"name": "site1", "role_source": "lease"},
        "freshness": {"delayed_after_minutes": 15, "stuck_after_hours": 8, "reread_days": 4},
    }
    return yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True)


def write_rules(world: World, directory: Path) -> None:
    """Write queues.csv and agents.csv."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "queues.csv", ("org", "queue", "global_queue"), _queue_rules(world))
    _write(directory / "agents.csv", ("org", "user_id", "global_agent_id"), _agent_rules(world))


def _queue_rules(world: World) -> list[tuple[str, ...]]:
    """Map by name, as people do; a deleted queue has no name in the listing, so by its id."""
    rules: list[tuple[str, ...]] = []
    for org, place in world.directories.items():
        for queue in place.queues:
            if queue.purpose == UNMAPPED:
                continue
            rules.append((org, queue.id if queue.deleted else queue.name, queue.purpose))
            if queue.old_name:
                rules.append((org, queue.old_name, queue.purpose))
    return rules


def _agent_rules(world: World) -> list[tuple[str, ...]]:
    """Name the people whose addresses differ between their two orgs."""
    return [
        (org, user.id, f"person-{user.person}")
        for org, place in world.directories.items()
        for user in place.users[TRAVELLERS : TRAVELLERS + RULED]
        if "+" in user.person
    ]


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
