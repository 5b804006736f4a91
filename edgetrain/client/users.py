"""Who may use the API: people, who sign in by a browser, and machine users, who have a secret.

A machine user is an app client of the pool, and the API takes its tokens because its id stands in the audience of the
API's authoriser. The template knows only the web client's: a deployment that changes the authoriser takes the others out.
`list_users` shows who was taken out, and `sync` lets them in again.
"""

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from edgetrain.client.sign_in import MACHINE_FLOW, RESOURCE_SERVER, Machine, SignIn
from edgetrain.client.user_documents import InvitedDocument, MachineDocument, PersonDocument, UsersDocument
from edgetrain.errors import UsageError, UserExists, UserNotFound
from edgetrain.stores.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import UserTypeTypeDef

#: Cognito takes more, and what is shorter is easier to type; no `@`: an address is a person's other name.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: Letters that nobody takes for another; symbols that need no quotes in a shell.
KINDS: Final = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-_.+=")
PASSWORD_LENGTH: Final = 20
#: Cognito's names for a password that it refuses, and for a name or an address that somebody has.
BAD_PASSWORD: Final = frozenset({"InvalidPasswordException", "InvalidParameterException"})
TAKEN: Final = frozenset({"UsernameExistsException", "AliasExistsException"})


def add_machine(sign_in: SignIn, name: str, scopes: Sequence[str]) -> MachineDocument:
    """Make a machine user and let the API take its tokens. When that fails, nothing is left of it.

    Raises:
        UsageError: the name cannot be, or a scope is not known.
        UserExists: somebody has the name.
    """
    _check_name(name)
    known = sign_in.scopes()
    if not scopes or (unknown := sorted(set(scopes) - set(known))):
        given = ", ".join(unknown) if scopes else "none"
        raise UsageError(f"scopes: {given}: expected some of {', '.join(known)}, separated by commas")
    _check_free(sign_in, name)
    client = sign_in.idp.create_user_pool_client(
        UserPoolId=sign_in.pool_id,
        ClientName=name,
        GenerateSecret=True,
        AllowedOAuthFlows=[MACHINE_FLOW],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=[f"{RESOURCE_SERVER}/{scope}" for scope in dict.fromkeys(scopes)],
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        SupportedIdentityProviders=["COGNITO"],
        EnableTokenRevocation=True,
        PreventUserExistenceErrors="ENABLED",
    )["UserPoolClient"]
    try:
        sign_in.admit(client["ClientId"])
    except BaseException:
        with suppress(ClientError):
            sign_in.idp.delete_user_pool_client(UserPoolId=sign_in.pool_id, ClientId=client["ClientId"])
        raise
    return MachineDocument(name=name, client_id=client["ClientId"], scopes=tuple(dict.fromkeys(scopes)), admitted=True)


def invite(sign_in: SignIn, name: str, *, email: str | None = None, password: str | None = None) -> InvitedDocument:
    """Make a person's account with a password for good: theirs, or one that is made up here. No message is sent.

    Raises:
        UsageError: the name, the address or the password cannot be.
        UserExists: somebody has the name or the address.
    """
    _check_name(name)
    if email is not None and not EMAIL.fullmatch(email):
        raise UsageError(f"email is {email!r}: expected an address like ann@example.org")
    if sign_in.find_machine(name) is not None:
        raise _taken(name)
    attributes = {} if email is None else {"email": email, "email_verified": "true"}
    try:
        sign_in.idp.admin_create_user(
            UserPoolId=sign_in.pool_id,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": each, "Value": value} for each, value in attributes.items()],
        )
    except ClientError as error:
        if code_of(error) not in TAKEN:
            raise
        if code_of(error) == "AliasExistsException":
            raise UserExists(f"somebody has the address {email} already (`edgetrain users list`)") from error
        raise _taken(name) from error
    chosen = new_password() if password is None else password
    try:
        sign_in.idp.admin_set_user_password(UserPoolId=sign_in.pool_id, Username=name, Password=chosen, Permanent=True)
    except BaseException as error:
        with suppress(ClientError):
            sign_in.idp.admin_delete_user(UserPoolId=sign_in.pool_id, Username=name)
        if isinstance(error, ClientError) and code_of(error) in BAD_PASSWORD:
            said = error.response["Error"].get("Message", "").rstrip(".")
            raise UsageError(f"the password was refused and {name} was not invited: {said}") from error
        raise
    return InvitedDocument(
        name=name, email=email, password=None if password is not None else chosen, web=sign_in.web_url
    )


def list_users(sign_in: SignIn) -> UsersDocument:
    """Everybody: people, and machine users with whether the API takes their tokens."""
    audience = sign_in.audience()
    pages = sign_in.idp.get_paginator("list_users").paginate(UserPoolId=sign_in.pool_id)
    people = [_person(user) for page in pages for user in page["Users"]]
    return UsersDocument(
        people=tuple(sorted(people, key=lambda person: person.name)),
        machines=tuple(
            MachineDocument(
                name=machine.name,
                client_id=machine.client_id,
                scopes=machine.scopes,
                admitted=machine.client_id in audience,
            )
            for machine in sign_in.machines()
        ),
    )


def remove(sign_in: SignIn, name: str) -> None:
    """Delete a machine user or a person.

    The API refuses a machine's tokens from then on. A person's access token that is out is good until it expires: an hour
    at most, for the API looks at tokens and not at people.

    Raises:
        UserNotFound: nobody is called so.
        UsageError: both a person and a machine user are called so, which is none of this program's doing.
    """
    machine, person = sign_in.find_machine(name), has_person(sign_in, name)
    if machine is not None and person:
        raise UsageError(f"a person and a machine user are both called {name!r}: remove one of them by AWS's own tools")
    if machine is not None:
        # In this order: when the second fails, the first can be done again.
        sign_in.dismiss(machine.client_id)
        sign_in.idp.delete_user_pool_client(UserPoolId=sign_in.pool_id, ClientId=machine.client_id)
    elif person:
        sign_in.idp.admin_delete_user(UserPoolId=sign_in.pool_id, Username=name)
    else:
        raise not_found(name)


def sync(sign_in: SignIn) -> tuple[str, ...]:
    """Let machine users in again that a deployment took out of the authoriser's audience; their names."""
    audience = sign_in.audience()
    lost = [machine for machine in sign_in.machines() if machine.client_id not in audience]
    sign_in.admit(*(machine.client_id for machine in lost))
    return tuple(machine.name for machine in lost)


def machine_of(sign_in: SignIn, name: str) -> Machine:
    """The machine user of this name.

    Raises:
        UserNotFound: nobody is called so.
        UsageError: it is a person's name: they sign in by a browser.
    """
    machine = sign_in.find_machine(name)
    if machine is not None:
        return machine
    if NAME.fullmatch(name) and has_person(sign_in, name):
        raise UsageError(f"{name!r} is a person, who signs in at {sign_in.web_url}/: tokens here are machine users'")
    raise not_found(name)


def has_person(sign_in: SignIn, name: str) -> bool:
    """Whether a person is called so."""
    try:
        sign_in.idp.admin_get_user(UserPoolId=sign_in.pool_id, Username=name)
    except ClientError as error:
        if code_of(error) != "UserNotFoundException":
            raise
        return False
    return True


def not_found(name: str) -> UserNotFound:
    """Nobody is called so."""
    return UserNotFound(f"there is no user {name!r}: `edgetrain users list` shows those that there are")


def new_password() -> str:
    """A password that fits any policy of a user pool and that nobody guesses: over 100 bits."""
    letters = "".join(KINDS)
    while True:
        made = "".join(secrets.choice(letters) for _ in range(PASSWORD_LENGTH))
        if all(set(kind) & set(made) for kind in KINDS):
            return made


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"name is {name!r}: expected 1 to 64 letters, digits, dots, hyphens and underscores, a letter or digit first"
        )


def _check_free(sign_in: SignIn, name: str) -> None:
    if sign_in.find_machine(name) is not None or has_person(sign_in, name):
        raise _taken(name)


def _taken(name: str) -> UserExists:
    return UserExists(
        f"there is a user {name} already: remove them first (`edgetrain users remove`), or choose another name"
    )


def _person(user: "UserTypeTypeDef") -> PersonDocument:
    attributes = {each["Name"]: each.get("Value", "") for each in user.get("Attributes", [])}
    return PersonDocument(
        name=user["Username"],
        email=attributes.get("email"),
        status=user["UserStatus"],
        enabled=user["Enabled"],
    )
