"""Who is signed in, and what is on its way: everything that the sign-in endpoints remember, in memory."""

import time
from dataclasses import dataclass, field
from typing import Final

from edgetrain.local.cognito.tokens import Grant
from edgetrain.local.cognito.vault import Clock, Vault

#: Cognito's: a code is good for five minutes, the sign-in page's cookie for an hour, a step of signing in for three minutes.
CODE_SECONDS: Final = 300
SESSION_SECONDS: Final = 3_600
STEP_SECONDS: Final = 180
#: A refresh token's own life is its client's; this is the longest that Cognito allows.
REFRESH_SECONDS: Final = 3_650 * 86_400


@dataclass(frozen=True, kw_only=True)
class Session:
    """A person signed in at a pool's sign-in page."""

    pool_id: str
    sub: str
    auth_time: int


@dataclass(frozen=True, kw_only=True)
class Code:
    """What an authorization code stands for."""

    grant: Grant
    redirect_uri: str
    #: PKCE's challenge (S256); None where the client sent none.
    challenge: str | None


@dataclass(frozen=True, kw_only=True)
class Step:
    """A person whose password was right, and what is still wanted: `password` (a new one) or `code` (TOTP)."""

    sub: str
    wanted: str


@dataclass
class SignInState:
    """All of it, by the time of `clock`."""

    clock: Clock = time.time
    codes: Vault[Code] = field(init=False)
    sessions: Vault[Session] = field(init=False)
    steps: Vault[Step] = field(init=False)
    refreshes: Vault[Grant] = field(init=False)
    #: `origin_jti` of sign-ins whose tokens were revoked.
    revoked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.codes = Vault(self.clock, CODE_SECONDS)
        self.sessions = Vault(self.clock, SESSION_SECONDS)
        self.steps = Vault(self.clock, STEP_SECONDS)
        self.refreshes = Vault(self.clock, REFRESH_SECONDS)

    def sign_out(self, pool_id: str, sub: str) -> None:
        """End every session of a person, and what their refresh tokens are good for."""
        self.sessions.drop(lambda session: (session.pool_id, session.sub) == (pool_id, sub))
        self.codes.drop(lambda code: (code.grant.pool_id, code.grant.sub) == (pool_id, sub))
        self.refreshes.drop(lambda grant: (grant.pool_id, grant.sub) == (pool_id, sub))
