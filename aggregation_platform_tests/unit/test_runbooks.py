"""Runbooks: each that the code names is there, is whole, and its commands can be pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aggregation_platform.assembly import TABLES
from aggregation_platform.cli.main import COMMANDS, PROGRAM, cli
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "runbooks"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
RUNBOOKS = sorted(file for file in FOLDER.glob("*.md") if file.name != "README.md")
PAGES = [*RUNBOOKS, FOLDER / "README.md", ROOT / "README.md"]

OF_AN_ALERT = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
OF_A_PROCEDURE = ["When (and when not)", "Before", "Steps", "Verify", "Undo"]

PLATFORM = """
organizations:
  - org: us
    api_url: http://127.0.0.1:9/us
    login_url: http://127.0.0.1:9/us
    client_id: client-of-us
    client_secret: a-secret
    first_day: 2026-01-05
"""


def named_in_the_code() -> set[str]:
    files = [*(ROOT / "aggregation_platform").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]
    texts = [file.read_text(encoding="utf-8") for file in [*files, ROOT / "README.md"]]
    return {name for text in texts for name in re.findall(r"runbooks/([\w-]+\.md)", text)}


def blocks(page: Path) -> list[str]:
    """Return the fenced blocks for a shell, without the indentation of a list."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^( *)```(?:sh|console)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"(?m)^{indent}", "", block) for indent, block in found]


def commands(page: Path) -> Iterator[str]:
    """Yield the program's commands, with the variables of their block put in."""
    for block in blocks(page):
        variables = dict(re.findall(r"(?:^| )([a-z]+)=(\S+)", block))
        for line in block.splitlines():
            for name, value in variables.items():
                line = re.sub(rf"\${name}\b", "2026-01-05" if "$(" in value else value, line)
            yield line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for quoted in re.findall(r"`(?:\.venv/bin/)?([^`]+)`", prose):
        yield " ".join(quoted.split())


def of_the_program(page: Path) -> list[str]:
    return [
        line
        for line in commands(page)
        # D and … stand for what a reader fills in, in the README's table of questions
        if line.startswith(f"{PROGRAM} ") and " D" not in line and "…" not in line
    ]


def parse(line: str) -> None:
    """Parse a command as click does, without running it.

    Raises:
        click.UsageError: If a command, an option or a value is none.
    """
    arguments = shlex.split(line, comments=True)[1:]
    at: click.Command = cli
    context = click.Context(cli, info_name=PROGRAM)
    while isinstance(at, click.Group) and arguments:
        name, *arguments = arguments
        found = at.get_command(context, name)
        if found is None:
            raise click.UsageError(f"no command {name}")
        at = found
    if "--help" not in arguments:
        at.make_context(at.name, arguments, parent=context)


def named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("name", sorted(named_in_the_code()))
def test_a_runbook_that_is_named_exists(name: str):
    assert (FOLDER / name).exists()


@pytest.mark.parametrize("page", RUNBOOKS, ids=named)
def test_a_runbook_has_the_sections_of_its_kind(page: Path):
    sections = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert sections == (OF_AN_ALERT if page.stem[0].isupper() else OF_A_PROCEDURE)


@pytest.mark.parametrize("page", RUNBOOKS, ids=named)
def test_a_runbook_is_in_the_index(page: Path):
    assert f"]({page.name})" in INDEX


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_that_is_linked_exists(page: Path):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert lost == []


@pytest.mark.parametrize("page", RUNBOOKS, ids=named)
def test_a_runbook_has_commands_and_each_parses(page: Path):
    found = of_the_program(page)

    assert found
    for line in found:
        parse(line)


@pytest.mark.parametrize("page", [FOLDER / "README.md", ROOT / "README.md"], ids=named)
def test_the_commands_of_the_front_pages_parse(page: Path):
    for line in of_the_program(page):
        parse(line)


@pytest.mark.parametrize(
    "line",
    [
        f"{PROGRAM} materialise --from 2026-01-05 --to 2026-01-05",
        f"{PROGRAM} materialize --from 2026-01-05 --until 2026-01-05",
        f"{PROGRAM} materialize --from 2026-01-05 --to $day",
        f"{PROGRAM} warehouse mend",
    ],
)
def test_a_command_that_does_not_parse_is_noticed(line: str):
    with pytest.raises(click.UsageError):
        parse(line)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_exists(page: Path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    asked = {line.split()[1] for line in commands(page) if re.match(r"make [a-z-]+", line)}

    assert asked <= targets


def test_messages_name_only_commands_that_exist():
    """Messages write `materialize --from …`, with or without the program's name before it.

    Options of the program itself may stand between the two.
    """
    options = r"(?:--[a-z-]+ \S+ )*"
    spelled = re.compile(rf"`{PROGRAM} {options}([a-z-]+)|`(?!{PROGRAM} )([a-z-]+) --")
    unknown = [
        f"{file.name}: {match.group()}"
        for file in (ROOT / "aggregation_platform").rglob("*.py")
        for match in spelled.finditer(file.read_text(encoding="utf-8"))
        if (match[1] or match[2]) not in COMMANDS
    ]

    assert unknown == []


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a configuration whose warehouse has its tables, and no rows."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "platform.yaml").write_text(PLATFORM, encoding="utf-8")
    (folder / "data").mkdir()
    warehouse = open_warehouse(DuckDBSettings(folder / "data" / "warehouse.duckdb"))
    warehouse.migrate(TABLES)
    warehouse.ensure_lease(WriteGrant("site1", Epoch(1)))
    return folder / "platform.yaml"


def reviews_in_runbooks() -> list[str]:
    lines = [line for page in RUNBOOKS for line in of_the_program(page)]
    return sorted({line for line in lines if line.startswith(f"{PROGRAM} review ")})


@pytest.mark.parametrize("line", reviews_in_runbooks())
def test_what_a_runbook_lists_can_be_listed(line: str, loaded: Path):
    arguments = shlex.split(line.replace("latam", "us"))[1:]

    ended = CliRunner().invoke(cli, ["--config", str(loaded), *arguments])

    assert ended.exit_code == 0, ended.output


def test_every_review_is_in_a_runbook():
    named = {line.split()[2] for line in reviews_in_runbooks()}

    assert named >= {"queues", "rejects", "drift", "totals"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_pastes_a_script(page: Path):
    """What a person has to look at has a command; a script would import what may change."""
    assert "python -" not in page.read_text(encoding="utf-8")
