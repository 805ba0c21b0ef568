"""`dev`: the Dagster UI and daemon on the configuration found.

Elsewhere: starting them (launch.py); production's separate processes (docs/production.md).
"""

from __future__ import annotations

import sys

import click

from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.launch import free_port, only_one, serve_ui
from aggregation_platform.cli.options import config_option, pass_invocation, ui_port_option


@click.command()
@ui_port_option
@config_option
@pass_invocation
def dev(invocation: Invocation, port: int) -> None:
    """Serve the Dagster UI and daemon on the configuration found, until Ctrl-C.

    The terminal shows warnings and errors; `aggregation-platform --log-level info dev` shows more.
    The UI shows every event of a run.
    """
    config = invocation.config_to_read()
    with only_one(config):
        chosen = free_port(port)
        click.echo(f"Dagster UI: http://127.0.0.1:{chosen}   (Ctrl-C stops)", err=True)
        sys.exit(serve_ui(config, port=chosen, log_level=invocation.log_level))
