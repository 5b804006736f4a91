"""Cognito's user pools: moto keeps pools, clients and people; signing in, tokens and their keys are made here."""

from collections.abc import Mapping

from edgetrain.local.cognito.control import UserPools
from edgetrain.local.cognito.sign_in import PATHS, WELL_KNOWN, SignIn
from edgetrain.local.cognito.state import SignInState
from edgetrain.local.loopback import Loopback
from edgetrain.local.wsgi import Application


def cognito_apis(moto: Application, clients: Loopback) -> tuple[UserPools, Mapping[str, SignIn]]:
    """What answers for service `cognito-idp`, and, by expressions of their paths, requests that nobody signs."""
    state = SignInState()
    sign_in = SignIn(state, clients)
    return UserPools(moto, state), {PATHS: sign_in, WELL_KNOWN: sign_in}


__all__ = ["SignIn", "SignInState", "UserPools", "cognito_apis"]
