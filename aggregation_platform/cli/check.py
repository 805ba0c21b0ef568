"""`check`: try everything the configuration names, one line each.

Belongs here: the order of the checks, their lines, the exit status. Elsewhere: what is tried of an
org (org_checks.py), of the rules (rules_check.py) and of the stores (store_checks.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.findings import Finding, State
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import config_option, pass_invocation
from aggregation_platform.cli.org_checks import check_org
from aggregation_platform.cli.progress import Reporter, progress
from aggregation_platform.cli.rules_check import check_rules
from aggregation_platform.cli.store_checks import check_keys, check_landing, check_warehouse
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import PlatformError
from aggregation_platform.observability.masking import masked_text

_SHOWN = {State.OK: "ok", State.NOTE: "note", State.FAILED: "FAILED", State.SKIPPED: "skipped"}


@click.command()
@config_option
@pass_invocation
@click.pass_context
def check(ctx: click.Context, invocation: Invocation) -> None:
    """Try configuration, login, permissions, identity, availability, warehouse and landing.

    Nothing is fetched or changed, but for one small object that is written to the landing zone
    and removed. Exit status 1 if any line failed.
    """
    try:
        config = invocation.config()
    except PlatformError as error:
        for line in str(error).splitlines():
            _print(Finding(State.FAILED, "configuration", line))
        click.echo("the configuration must be corrected before anything else is tried.", err=True)
        ctx.exit(1)
    findings = [_configuration(config)]
    _print(findings[0])
    for finding in _tried(config):
        _print(finding)
        findings.append(finding)
    failed = [finding.subject for finding in findings if finding.state is State.FAILED]
    if failed:
        click.echo(
            f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}; "
            "each line above says what to do.",
            err=True,
        )
        ctx.exit(1)


def _configuration(config: PlatformConfig) -> Finding:
    count = len(config.organizations)
    organizations = "1 organization" if count == 1 else f"{count} organizations"
    return Finding(
        State.OK,
        "configuration",
        f"{config.file}: {organizations}, warehouse {config.warehouse.kind}, "
        f"site {config.site.name}",
    )


def _tried(config: PlatformConfig) -> Sequence[Finding]:
    """Try all orgs in parallel, then the stores."""
    assembly = Assembly(config)
    orgs = config.organizations
    with progress(f"trying {', '.join(config.orgs)}", total=len(orgs)) as reporter:
        findings = _orgs_tried(assembly, reporter)
        reporter.step("trying the stores")
        return [
            *findings,
            *check_rules(assembly),
            *check_warehouse(assembly),
            *check_keys(assembly),
            *check_landing(assembly),
        ]


def _orgs_tried(assembly: Assembly, reporter: Reporter) -> list[Finding]:
    def tried(org: str) -> Sequence[Finding]:
        findings = check_org(assembly, org)
        reporter.advance()
        return findings

    orgs = assembly.config.orgs
    _ = assembly.local_state, assembly.transport  # made here, not by several threads at once
    with ThreadPoolExecutor(max_workers=len(orgs), thread_name_prefix="check") as threads:
        return [finding for findings in threads.map(tried, orgs) for finding in findings]


def _print(finding: Finding) -> None:
    told = masked_text(" ".join(finding.told.split()))
    click.echo(f"{_SHOWN[finding.state]:<8} {finding.subject:<24} {told}")
