"""Whether somebody is who they say: passwords and second factors, checked against what moto keeps."""

import hmac
import re
from datetime import timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from edgetrain.local.cognito.pools import Client, find_user
from edgetrain.local.cognito.vault import Clock
from edgetrain.local.loopback import Loopback

#: Cognito's sentences.
WRONG: Final = "Incorrect username or password."
UNKNOWN: Final = "User does not exist."
DISABLED: Final = "User is disabled."
UNCONFIRMED: Final = "User is not confirmed."
RESET: Final = "Password reset required for the user."
EXPIRED: Final = "Temporary password has expired and must be reset by an administrator."
NO_SECOND_FACTOR: Final = (
    "This user pool wants a second factor, and you have none yet: associate a software token by the pool's API."
)
NOT_CONFORM: Final = "Password did not conform with policy"
#: Setting of a policy -> what has to be in a password, and Cognito's word for it.
KINDS: Final = {
    "RequireUppercase": (re.compile(r"[A-Z]"), "uppercase"),
    "RequireLowercase": (re.compile(r"[a-z]"), "lowercase"),
    "RequireNumbers": (re.compile(r"[0-9]"), "numeric"),
    "RequireSymbols": (re.compile(r"[\^$*.\[\]{}()?\"!@#%&/\\,><':;|_~`=+-]|(?<=.) (?=.)"), "symbol"),
}
#: What somebody still has to do after the right password.
NEW_PASSWORD: Final = "password"  # noqa: S105
TOTP: Final = "code"


class NotSignedIn(Exception):
    """Why not, in a sentence for the person at the form."""


def check_password(client: Client, name: str, password: str, clock: Clock) -> tuple[Any, str | None]:
    """The person, and what is still wanted of them (`NEW_PASSWORD`, `TOTP` or nothing).

    Raises:
        NotSignedIn: the password is wrong, or the account is not to be used now.
    """
    user = find_user(client.pool, name)
    known = "" if user is None or user.password is None else str(user.password)
    right = hmac.compare_digest(known.encode(), password.encode()) and known != ""
    if user is None and not client.hides_people:
        raise NotSignedIn(UNKNOWN)
    if user is None or not right:
        raise NotSignedIn(WRONG)
    status = str(user.status.value)
    if not user.enabled:
        raise NotSignedIn(DISABLED)
    if status == "FORCE_CHANGE_PASSWORD":
        if _expired(client.pool, user, clock):
            raise NotSignedIn(EXPIRED)
        return user, NEW_PASSWORD
    if status != "CONFIRMED":
        raise NotSignedIn(RESET if status == "RESET_REQUIRED" else UNCONFIRMED)
    return user, second_factor(client.pool, user)


def second_factor(pool: Any, user: Any) -> str | None:
    """`TOTP` where the person has it.

    Raises:
        NotSignedIn: the pool insists on one and they have none.
    """
    if user.software_token_mfa_enabled:
        return TOTP
    if pool.mfa_config == "ON":
        raise NotSignedIn(NO_SECOND_FACTOR)
    return None


def set_password(clients: Loopback, pool: Any, user: Any, new: str, again: str) -> None:
    """Give somebody the password of their choice, for good.

    Raises:
        NotSignedIn: the two differ, or the pool's policy refuses it.
    """
    if new != again:
        raise NotSignedIn("The two passwords are not the same.")
    try:
        clients.client("cognito-idp").admin_set_user_password(
            UserPoolId=pool.id, Username=user.username, Password=new, Permanent=True
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidPasswordException":
            raise
        raise NotSignedIn(error.response["Error"]["Message"]) from error


def check_code(code: str, clock: Clock) -> bool:
    """Whether an authenticator app shows this code, now or half a minute to either side.

    moto gives the same secret to everybody who associates an app.
    """
    from moto.cognitoidp.models import COGNITO_TOTP_MFA_SECRET
    from moto.cognitoidp.utils import TOTP_TIME_STEP, cognito_totp

    app, now = cognito_totp(COGNITO_TOTP_MFA_SECRET), int(clock())
    shown = [app.generate(now + step * TOTP_TIME_STEP) for step in (-1, 0, 1)]
    return any(hmac.compare_digest(each, code.encode()) for each in shown)


def check_policy(pool: Any, password: str) -> None:
    """Hold a new password against the pool's policy.

    Raises:
        NotSignedIn: it breaks the policy; in Cognito's words.
    """
    policy = pool.extended_config.get("Policies", {}).get("PasswordPolicy", {})
    if len(password) < policy.get("MinimumLength", 8):
        raise NotSignedIn(f"{NOT_CONFORM}: Password not long enough")
    for setting, (wanted, kind) in KINDS.items():
        if policy.get(setting, True) and not wanted.search(password):
            raise NotSignedIn(f"{NOT_CONFORM}: Password must have {kind} characters")


def _expired(pool: Any, user: Any, clock: Clock) -> bool:
    days = pool.extended_config.get("Policies", {}).get("PasswordPolicy", {}).get("TemporaryPasswordValidityDays", 7)
    until = user.last_modified_date.timestamp() + timedelta(days=days).total_seconds()
    return bool(clock() > until)
