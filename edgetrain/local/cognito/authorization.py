"""An authorization request: who asks for whom, and whether they may (RFC 6749, section 4.1; RFC 7636 for PKCE)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgetrain.local.cognito.messages import redirect, with_parameters
from edgetrain.local.cognito.pools import Client, find_client
from edgetrain.local.wsgi import Reply

#: A challenge is the SHA-256 of the verifier, in base64 without padding.
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
#: Parameters that the sign-in page is handed by the endpoint, and hands on.
PARAMETERS: Final = (
    *("response_type", "client_id", "redirect_uri", "state", "scope", "nonce"),
    *("code_challenge", "code_challenge_method"),
)


class NobodyToAnswer(Exception):
    """Client or redirect URI are not ours: the browser stays, for a redirect would lead anywhere."""


class Refused(Exception):
    """The client is told, at its redirect URI."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """A request that is in order."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None

    def redirect(self, parameters: Mapping[str, str], cookies: tuple[str, ...] = ()) -> Reply:
        """Back to the client, with its state."""
        state = {} if self.state is None else {"state": self.state}
        return redirect(with_parameters(self.redirect_uri, {**parameters, **state}), cookies)


def read_authorization(parameters: Mapping[str, str]) -> Authorization:
    """Check a request.

    Raises:
        NobodyToAnswer: no such client, or not a redirect URI of it (compared as text, as a whole).
        Refused: anything else is wrong with it.
    """
    client = known_client(parameters)
    redirect_uri = parameters.get("redirect_uri", "")
    if redirect_uri not in client.callbacks:
        raise NobodyToAnswer("redirect_mismatch: the redirect URI is none that the client registered")
    error = _error_of(client, parameters)
    state = parameters.get("state")
    if error is not None:
        answer = {"error": error} if state is None else {"error": error, "state": state}
        raise Refused(redirect(with_parameters(redirect_uri, answer)))
    return Authorization(
        client=client,
        redirect_uri=redirect_uri,
        scopes=tuple(parameters.get("scope", "").split()) or client.scopes,
        state=state,
        nonce=parameters.get("nonce"),
        challenge=parameters.get("code_challenge"),
    )


def known_client(parameters: Mapping[str, str]) -> Client:
    """The client that a request names.

    Raises:
        NobodyToAnswer: there is none of this id, or its pool has no domain and thus no sign-in page.
    """
    client = find_client(parameters.get("client_id", ""))
    if client is None:
        raise NobodyToAnswer("invalid_request: there is no client of this id")
    if client.pool.domain is None:
        raise NobodyToAnswer("invalid_request: the client's user pool has no domain, and so no sign-in page")
    return client


def _error_of(client: Client, parameters: Mapping[str, str]) -> str | None:
    """What Cognito's developer guide ("Redirect and authorization endpoint") names for each fault."""
    kind = parameters.get("response_type")
    if kind not in {"code", "token"}:
        return "invalid_request"
    if kind == "token" or "code" not in client.grants:  # the implicit grant is refused when a client is made
        return "unauthorized_client"
    if parameters.get("identity_provider", "COGNITO") != "COGNITO":
        return "invalid_request"
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if (challenge is None) != (method is None) or method not in {None, "S256"}:
        return "invalid_request"
    if challenge is not None and not CHALLENGE.fullmatch(challenge):
        return "invalid_request"
    unknown = set(parameters.get("scope", "").split()) - set(client.scopes)
    return "invalid_scope" if unknown else None
