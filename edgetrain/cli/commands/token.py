"""`edgetrain token`: a bearer token for a script."""

import sys
from typing import Annotated

import typer

from edgetrain.cli.cloud import connection
from edgetrain.cli.options import Cloud, CloudName, DataDir


def token(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A machine user (`edgetrain users list`).", show_default=False)
    ],
    *,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
) -> None:
    """Print a fresh bearer token of a machine user, and nothing else: it lives for an hour.

    For example: curl -H "Authorization: Bearer $(edgetrain token scanner)" "$API_URL/labels/objects"
    """
    from edgetrain.client.tokens import fetch_token

    sys.stdout.write(f"{fetch_token(connection(cloud, data_dir), name)}\n")
