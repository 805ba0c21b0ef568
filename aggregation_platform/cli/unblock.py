"""`unblock`: let requests to an org go out again before the time that it asked for is over.

Belongs here: what was lifted, and why it was there. Elsewhere: the block itself (local_state/),
who sets it (genesys/rate_limits.py), seeing it (status.py).
"""

from __future__ import annotations

from datetime import timedelta

import click

from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import config_option, pass_invocation


@click.command()
@click.option("--org", required=True, help="The org that asked us to stay away.")
@config_option
@pass_invocation
def unblock(invocation: Invocation, org: str) -> None:
    """Forget that an org asked this site to stay away.

    For an operator who knows that the wait is over, say because the vendor confirmed it. If it is
    not, the org refuses the next request and is left alone again. Exit status 0 also if there was
    nothing to lift.
    """
    from aggregation_platform.assembly import Assembly  # --help stays fast

    config = invocation.config_to_read()
    config.organization(org)
    assembly = Assembly(config)
    block = assembly.local_state.blocked(org)
    if block is None:
        click.echo(f"{org}: not blocked; nothing to lift.")
        return
    assembly.local_state.lift_block(org)
    until = assembly.clock.now() + timedelta(seconds=block.seconds_left)
    click.echo(
        f"{org}: lifted the block until {until:%Y-%m-%d %H:%M:%S} UTC ({block.reason}). Runs that "
        "are due ask again from now on."
    )
