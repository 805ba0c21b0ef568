"""The front door as a real process: exit statuses, streams, and how fast --help is."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregation_platform.cli.main import COMMANDS, cli
from aggregation_platform.cli.materialize import command_line, run_to_the_end
from aggregation_platform.cli.options import Days, parse_day
from aggregation_platform.clock import SystemClock

PROGRAM = Path(sys.executable).with_name("aggregation-platform")
HEAVY = ("polars", "duckdb", "pydantic", "requests", "dagster", "obstore", "rich")


def run(*arguments, cwd, **environment):
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environment},
        timeout=120,
        check=False,
    )


def test_help_names_every_command_and_loads_none_of_them(tmp_path):
    code = (
        "import sys; from click.testing import CliRunner; "
        "from aggregation_platform.cli.main import cli; "
        "print(CliRunner().invoke(cli, ['--help']).output); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout

    assert [name for name in COMMANDS if f"  {name} " not in shown] == []
    assert shown.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_of_the_list_exists_and_has_help(name):
    shown = CliRunner().invoke(cli, [name, "--help"])

    assert shown.exit_code == 0, shown.output
    assert "Usage:" in shown.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("statsu",), "no command 'statsu'; did you mean status?"),
        (("aht",), "name the days: --from and --to, --last 7d, --week last or --month last."),
        (("aht", "--from", "5.1.2026", "--to", "2026-01-05"), "'5.1.2026' is no day"),
        (("aht", "--from", "2026-01-05", "--to", "20260-01-05"), "is no day"),
        (("aht", "--from", "0206-01-05", "--to", "2026-01-05"), "ask for fewer than"),
        (("status", "--format", "yaml"), "'yaml' is not one of"),
        (("simulate", "--fault", "slo"), "did you mean slow?"),
        (("simulate", "--fault", "slow:secs=3"), "'secs=3' is not name=value with one of org"),
        (("simulate", "--orgs", "0"), "use a number from 1 to 1000"),
        (("demo", "--port", "70000"), "70000 is not in the range 1<=x<=65535"),
        (("dev", "--port", "-1"), "-1 is not in the range 1<=x<=65535"),
        (("demo", "--conversations-per-day", "-1"), "-1 is not in the range x>=0"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(arguments, said):
    shown = CliRunner().invoke(cli, arguments)

    assert shown.exit_code == 2
    assert said in shown.stderr
    assert shown.stdout == ""


@pytest.mark.parametrize(
    ("first", "last", "org", "said"),
    [
        ("2026-01-04", "2026-01-05", "us", "pass --from 2026-01-05 at least, or move first_day."),
        ("2026-01-05", "2026-01-06", "emea", "emea: nothing is fetched before 2026-02-01"),
        ("2026-01-05", "2035-01-05", "us", "2035-01-05 has not begun in UTC; pass --to 20"),
    ],
)
def test_days_that_are_in_no_calendar_are_refused_before_anything_is_fetched(
    platform, first, last, org, said
):
    here = platform(us="2026-01-05", emea="2026-02-01")

    ended = here.run("materialize", "--from", first, "--to", last, "--org", org)

    assert ended.exit_code == 1
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_without_a_configuration_it_ends_with_1_one_line_and_no_traceback(tmp_path):
    ended = run("status", cwd=tmp_path)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("no configuration found: looked at --config")


def test_each_mistake_in_the_file_is_one_line_on_standard_error(tmp_path):
    (tmp_path / "platform.yaml").write_text(
        "organizations:\n  - {org: us, region: mars, client_id: a, client_secret: b, "
        "first_day: 2026-01-01, page_size: 0}\n"
    )

    ended = run("aht", "--from", "2026-01-01", "--to", "2026-01-01", cwd=tmp_path)

    assert ended.returncode == 1
    assert [line.split(": ")[1] for line in ended.stderr.splitlines()] == [
        "organizations[0].region",
        "organizations[0].page_size",
    ]


def test_the_variable_names_the_configuration_and_the_option_wins(tmp_path):
    named = run("status", cwd=tmp_path, AGGREGATION_PLATFORM_CONFIG="named.yaml")
    given = run(
        "status", "--config", "given.yaml", cwd=tmp_path, AGGREGATION_PLATFORM_CONFIG="named.yaml"
    )
    before = run("--config", "before.yaml", "status", cwd=tmp_path)

    assert named.stderr.startswith("named.yaml: the file named by AGGREGATION_PLATFORM_CONFIG")
    assert given.stderr.startswith("given.yaml: the file named by --config does not exist")
    assert before.stderr.startswith("before.yaml: the file named by --config does not exist")


def test_json_goes_to_standard_output_alone_and_is_one_document(platform, tmp_path):
    here = platform(us="2026-01-05")

    ended = run(
        *("--config", str(here.file), "aht", "--from", "2026-01-05", "--to", "2026-01-05"),
        *("--format", "json"),
        cwd=tmp_path,
    )

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["total"]["orgs_missing"] == ["us"]
    assert "us: missing 2026-01-05; " in ended.stderr


def test_simulate_serves_until_it_is_told_to_stop_and_writes_a_configuration(tmp_path):
    command = [PROGRAM, "simulate", "--port", "0", "--orgs", "us", "--conversations-per-day", "3"]
    with subprocess.Popen(
        [*command, "--days", "1", "--write", "platform.yaml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as serving:
        assert serving.stdout is not None
        first = serving.stdout.readline()
        assert serving.stdout.readline() == f"configuration: {tmp_path / 'platform.yaml'}\n"
        checked = run("check", cwd=tmp_path)
        serving.send_signal(signal.SIGTERM)
        status = serving.wait(timeout=20)
        serving.communicate()

    assert first.startswith("us at http://127.0.0.1:")
    assert checked.returncode == 0, checked.stdout
    assert status == 0


def test_simulate_suggests_no_day_that_has_not_begun(tmp_path):
    begun = {SystemClock().now().date()}
    command = [PROGRAM, "simulate", "--port", "0", "--orgs", "us", "--live", "--write", "."]
    with subprocess.Popen(
        [*command, "--conversations-per-day", "3", "--days", "3700"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as serving:
        assert serving.stdout is not None
        *_, suggested = (serving.stdout.readline() for _ in range(3))
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=20)

    begun.add(SystemClock().now().date())
    assert parse_day(suggested.split()[-1]) in begun


def test_simulate_does_not_overwrite_a_configuration_of_real_organizations(tmp_path):
    mine = tmp_path / "platform.yaml"
    mine.write_text("organizations: [{org: us, region: us-east-1}]\n")

    refused = CliRunner().invoke(cli, ["simulate", "--port", "0", "--write", str(mine)])

    assert refused.exit_code == 1
    assert "exists and was not written by the simulator" in refused.stderr
    assert mine.read_text() == "organizations: [{org: us, region: us-east-1}]\n"


def test_simulate_on_a_port_in_use_says_so(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = CliRunner().invoke(
            cli, ["simulate", "--port", port, "--orgs", "us", "--conversations-per-day", "0"]
        )

    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1].startswith(f"port {port} is taken; pass --port 0")


def test_materialize_passes_its_options_on():
    days = Days(parse_day("2026-01-05"), parse_day("2026-01-06"))

    command = command_line("/etc/platform.yaml", days, ["us", "emea"])

    assert command[1:] == [
        *("-m", "aggregation_platform.defs.materialize", "--config", "/etc/platform.yaml"),
        *("--from", "2026-01-05", "--to", "2026-01-06", "--org", "us", "--org", "emea"),
    ]


@pytest.mark.parametrize("status", [0, 1, 2])
def test_materialize_ends_as_the_process_that_does_the_work(status):
    assert run_to_the_end([sys.executable, "-c", f"raise SystemExit({status})"], {}) == status


def test_materialize_ends_with_1_when_the_process_is_killed(capfd):
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"

    assert run_to_the_end([sys.executable, "-c", killed], {}) == 1
    assert "ended by signal 9; run the same command again" in capfd.readouterr().err
