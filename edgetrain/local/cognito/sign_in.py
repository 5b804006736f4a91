"""The paths of a pool's domain and of its issuer, which nobody signs requests to."""

import re
from collections.abc import Callable
from typing import Final

from edgetrain.local.cognito.authorization import NobodyToAnswer, Refused
from edgetrain.local.cognito.exchange import Exchange
from edgetrain.local.cognito.keys import issuer_of, key_set
from edgetrain.local.cognito.login import Login
from edgetrain.local.cognito.messages import ANY_ORIGIN, BadRequest, error_reply, json_reply
from edgetrain.local.cognito.pages import error_page
from edgetrain.local.cognito.pools import find_pool
from edgetrain.local.cognito.state import SignInState
from edgetrain.local.loopback import Loopback
from edgetrain.local.wsgi import Reply, Request

#: What an issuer publishes.
WELL_KNOWN: Final = r"/([a-z0-9-]+_[0-9A-Za-z]+)/\.well-known/(jwks\.json|openid-configuration)"

#: Path -> the methods that it knows.
METHODS: Final = {
    "/oauth2/authorize": {"GET"},
    "/login": {"GET", "POST"},
    "/logout": {"GET"},
    "/oauth2/token": {"POST"},
    "/oauth2/revoke": {"POST"},
    "/oauth2/userInfo": {"GET", "POST"},
}
#: The paths of a pool's domain, as one expression.
PATHS: Final = "|".join(METHODS)
PREFLIGHT: Final = {
    **ANY_ORIGIN,
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "3600",
    "Content-Length": "0",
}

Endpoint = Callable[[Request], Reply]


class SignIn:
    """The sign-in page and the OAuth endpoints of all pools. A pool is found by the client that asks."""

    def __init__(self, state: SignInState, clients: Loopback) -> None:
        login, exchange = Login(state, clients), Exchange(state)
        self._for_people: dict[str, Endpoint] = {
            "/oauth2/authorize": login.authorize,
            "/login": login.login,
            "/logout": login.logout,
        }
        self._for_programs: dict[str, Endpoint] = {
            "/oauth2/token": exchange.token,
            "/oauth2/revoke": exchange.revoke,
            "/oauth2/userInfo": exchange.user_info,
        }

    def answer(self, request: Request) -> Reply:
        """Answer a request to one of `PATHS` or `WELL_KNOWN`."""
        published = re.fullmatch(WELL_KNOWN, request.path)
        if published:
            return _publish(request, *published.groups())
        for_programs = request.path in self._for_programs
        if request.method == "OPTIONS" and for_programs:
            return Reply(204, PREFLIGHT)
        if request.method not in METHODS[request.path]:
            return Reply(405, {"Allow": ", ".join(sorted(METHODS[request.path])), "Content-Length": "0"})
        try:
            return (self._for_programs if for_programs else self._for_people)[request.path](request)
        except Refused as refused:
            return refused.reply
        except NobodyToAnswer as error:
            return error_page(str(error))
        except BadRequest as error:
            return error_reply("invalid_request") if for_programs else error_page(f"invalid_request: {error}")


def _publish(request: Request, pool_id: str, document: str) -> Reply:
    """A pool's public keys, or where its endpoints are: at the host that was asked."""
    pool = find_pool(pool_id)
    if pool is None:
        return json_reply(400, {"message": f"User pool {pool_id} does not exist."})
    if document == "jwks.json":
        return json_reply(200, key_set(pool).as_dict(private=False))
    host = f"http://{request.header('host')}"
    return json_reply(
        200,
        {
            "authorization_endpoint": f"{host}/oauth2/authorize",
            "end_session_endpoint": f"{host}/logout",
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer_of(pool),
            "jwks_uri": f"{host}/{pool_id}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "revocation_endpoint": f"{host}/oauth2/revoke",
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint": f"{host}/oauth2/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "userinfo_endpoint": f"{host}/oauth2/userInfo",
        },
    )
