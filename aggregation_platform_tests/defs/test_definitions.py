"""The definitions load anywhere, and the asset graph is the one that was meant."""

import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from aggregation_platform.assembly import table_of
from aggregation_platform.config.load import child_environment, load_config
from aggregation_platform.defs.build import build_definitions

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "platform.example.yaml"


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(load_config(EXAMPLE, require_variables=False))


def test_definitions_load_in_a_fresh_interpreter_without_secrets_network_or_warehouse(
    tmp_path: Path,
):
    environment = child_environment({"AGGREGATION_PLATFORM_CONFIG": str(EXAMPLE)})
    without_secrets = {
        name: value
        for name, value in environment.items()
        if not name.startswith("GENESYS_") and name != "DAGSTER_HOME"
    }
    shutil.copyfile(ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    ran = subprocess.run(
        [
            str(Path(sys.executable).with_name("dagster")),
            "definitions",
            "validate",
            "--workspace",
            str(ROOT / "workspace.yaml"),
        ],
        env=without_secrets,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.glob("**/*.duckdb")) == []


def test_every_asset_stands_under_its_layer_and_its_group(definitions: dg.Definitions):
    keys = {
        "/".join(key.path): definitions.resolve_asset_graph().get(key).group_name
        for key in definitions.resolve_asset_graph().get_all_asset_keys()
    }

    assert keys == {
        "raw/conversations": "raw",
        "facts/conversations": "facts",
        "facts/sessions": "facts",
        "facts/segments": "facts",
        "facts/session_metrics": "facts",
        "facts/attributes": "facts",
        "facts/rejects": "facts",
        "directory/users": "directory",
        "directory/queues": "directory",
        "directory/wrap_up_codes": "directory",
        "directory/divisions": "directory",
        "directory/skills": "directory",
        "directory/groups": "directory",
        "directory/teams": "directory",
        "identity/queue_names": "identity",
        "identity/queues": "identity",
        "identity/agents": "identity",
        "identity/queue_reviews": "identity",
        "identity/agent_reviews": "identity",
        "journeys/legs": "journeys",
        "journeys/journeys": "journeys",
        "journeys/links": "journeys",
        "journeys/reviews": "journeys",
        "rollups/handle_time": "rollups",
        "rollups/handle_time_sketches": "rollups",
        "rollups/queue_intervals": "rollups",
        "rollups/journey_days": "rollups",
    }


def test_the_world_day_depends_on_every_orgs_facts_of_that_day(definitions: dg.Definitions):
    graph = definitions.resolve_asset_graph()
    rollup, metrics = (
        dg.AssetKey(["rollups", "handle_time"]),
        dg.AssetKey(["facts", "session_metrics"]),
    )
    partitions, org_days = graph.get(rollup).partitions_def, graph.get(metrics).partitions_def
    assert partitions is not None
    assert org_days is not None
    mapping = graph.get_partition_mapping(rollup, metrics)
    upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(
        partitions.empty_subset().with_partition_keys(["2026-01-05"]),
        partitions,
        org_days,
    )

    orgs = load_config(EXAMPLE, require_variables=False).orgs
    assert set(upstream.partitions_subset.get_partition_keys()) == {
        f"2026-01-05|{org}" for org in orgs
    }


def test_no_org_day_asset_has_a_backfill_policy_so_that_its_runs_carry_the_org(
    definitions: dg.Definitions,
):
    graph = definitions.resolve_asset_graph()

    assert [key for key in graph.get_all_asset_keys() if graph.get(key).backfill_policy] == []


def test_the_partition_columns_of_the_metadata_are_those_that_the_table_is_replaced_by(
    definitions: dg.Definitions,
):
    graph = definitions.resolve_asset_graph()

    for key in graph.get_all_asset_keys():
        node, table = graph.get(key), table_of(*key.path)
        expression = node.metadata.get("partition_expr")
        shown = (expression,) if isinstance(expression, str) else tuple(expression or ())
        assert shown == table.partitioned_by, table.key
        assert (node.partitions_def is None) == (table.partitioned_by == ()), table.key


def test_every_asset_says_what_its_rows_are(definitions: dg.Definitions):
    graph = definitions.resolve_asset_graph()

    undescribed = [
        key for key in graph.get_all_asset_keys() if not (graph.get(key).description or "").strip()
    ]
    assert undescribed == []


def test_no_description_of_a_check_or_sensor_is_indented_so_as_to_be_shown_as_code(
    definitions: dg.Definitions,
):
    checks = [
        spec.description or ""
        for check in definitions.asset_checks or ()
        for spec in check.check_specs
    ]
    sensors = [each.description or "" for each in definitions.sensors or ()]

    assert checks
    assert sensors
    assert [text for text in (*checks, *sensors) if "\n    " in text] == []
