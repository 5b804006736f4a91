"""Tokens of machine users: what a script sends to the API."""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any, Final
from urllib.parse import urlencode

from edgetrain.client.connection import Connection
from edgetrain.client.sign_in import Machine, connect_sign_in
from edgetrain.client.users import machine_of
from edgetrain.errors import SignInFailed, SignInUnavailable

ENDPOINT: Final = "/oauth2/token"
SECONDS: Final = 10


def fetch_token(connection: Connection, name: str) -> str:
    """A fresh access token of the machine user `name`, with all scopes that it has. It lives for an hour.

    Raises:
        CloudNotRunning: nothing answers at the cloud's endpoint.
        NotDeployed: the API is not deployed there.
        UserNotFound: nobody is called so.
        UsageError: it is a person's name.
        SignInFailed: the sign-in endpoint refused.
        SignInUnavailable: the sign-in endpoint does not answer.
    """
    sign_in = connect_sign_in(connection)
    return ask_for_token(sign_in.url, machine_of(sign_in, name))


def ask_for_token(url: str, machine: Machine) -> str:
    """The same, at a known sign-in URL.

    Raises:
        SignInFailed: the endpoint refused.
        SignInUnavailable: the endpoint does not answer.
    """
    credentials = b64encode(f"{machine.client_id}:{machine.secret}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - an output of our own stack
        f"{url}{ENDPOINT}",
        data=urlencode({"grant_type": "client_credentials"}).encode(),
        headers={
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
            answer = _document(reply.read())
    except urllib.error.HTTPError as error:
        reason = _document(error.read()).get("error", f"status {error.code}")
        if error.code >= 500 or error.code == 429:
            raise SignInUnavailable(f"{url}{ENDPOINT} answered {reason}: try again") from error
        raise SignInFailed(f"{url}{ENDPOINT} gave {machine.name} no token: {reason}") from error
    except OSError as error:  # URLError, a refused connection, a time-out
        raise SignInUnavailable(f"{url}{ENDPOINT} does not answer: {getattr(error, 'reason', error)}") from error
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise SignInFailed(f"{url}{ENDPOINT} gave {machine.name} no token: its answer has none")
    return token


def _document(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
