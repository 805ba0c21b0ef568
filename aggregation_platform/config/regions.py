"""Where each Genesys Cloud region answers.

Belongs here: region name -> API and login host, as the official SDK lists them.
Elsewhere: requests (genesys/).
"""

from __future__ import annotations

from typing import NamedTuple

DOMAINS = {
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
    "ca-central-1": "cac1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
}


class Hosts(NamedTuple):
    """The two addresses of a region, without a slash at the end."""

    api_url: str
    login_url: str


def canonical(region: str) -> str:
    """Spell a region with hyphens: `us_east_1` (as the SDK has it) is `us-east-1`."""
    return region.strip().lower().replace("_", "-")


def hosts(region: str) -> Hosts:
    """Return where the region answers.

    Raises:
        KeyError: If there is no such region.
    """
    domain = DOMAINS[canonical(region)]
    return Hosts(f"https://api.{domain}", f"https://login.{domain}")
