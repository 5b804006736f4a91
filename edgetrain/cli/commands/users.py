"""`edgetrain users`: who may use the API."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import connection
from edgetrain.cli.groups import new_group
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json
from edgetrain.errors import UsageError

if TYPE_CHECKING:
    from edgetrain.client.sign_in import SignIn

group = new_group("People who sign in to the web app, and machine users with tokens for scripts.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the user is called.", show_default=False)]


@group.command()
def add(
    name: Name,
    *,
    scopes: Annotated[
        str, typer.Option(help="What it may do: some of detect, contribute, admin, separated by commas.")
    ] = "detect",
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Add a machine user: a script or a device that gets tokens by `edgetrain token NAME`."""
    from edgetrain.client.users import add_machine

    wanted = tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
    machine = add_machine(_sign_in(cloud, data_dir), name, wanted)
    if as_json:
        console.emit(machine)
        return
    console.result(f"{name} may {', '.join(machine.scopes)}. Its tokens: edgetrain token {name}")


@group.command()
def invite(
    name: Name,
    *,
    email: Annotated[
        str | None, typer.Option(help="An address to sign in by, too. Nothing is sent to it.", show_default=False)
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one up.")
    ] = False,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make an account for a person, who signs in by the web app. The password is printed this once."""
    from edgetrain.client.users import invite as invite_person

    sign_in = _sign_in(cloud, data_dir)
    password = _read_password() if password_stdin else None
    invited = invite_person(sign_in, name, email=email, password=password)
    if as_json:
        console.emit(invited)
        return
    if invited.password is None:
        console.result(f"{name} can sign in at {invited.web}/")
    else:
        console.result(f"{name} can sign in at {invited.web}/ with the password {invited.password}")


@group.command("list")
def list_(*, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List people and machine users, and whether the API takes a machine user's tokens."""
    from edgetrain.client.users import list_users

    users = list_users(_sign_in(cloud, data_dir))
    if as_json:
        console.emit(users)
        return
    if not users.people and not users.machines:
        console.note("Nobody yet: `edgetrain users invite NAME` for a person, `edgetrain users add NAME` for a script.")
        return
    people = [(each.name, "person", each.email, each.status if each.enabled else "disabled") for each in users.people]
    machines = [
        (each.name, "machine", ", ".join(each.scopes), "admitted" if each.admitted else "locked out")
        for each in users.machines
    ]
    console.table(("name", "kind", "e-mail or scopes", "state"), [*people, *machines])
    if any(not each.admitted for each in users.machines):
        console.note("A deployment changed the API's authoriser: `edgetrain users sync` lets the locked out in again.")


@group.command()
def remove(name: Name, *, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None) -> None:
    """Remove a person or a machine user. A person who is signed in stays so for up to an hour."""
    from edgetrain.client.users import remove as remove_user

    remove_user(_sign_in(cloud, data_dir), name)
    console.result(f"{name} is removed.")


@group.command()
def sync(*, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Let machine users in again after a deployment that changed the API's authoriser."""
    from edgetrain.client.user_documents import SyncedDocument
    from edgetrain.client.users import sync as sync_users

    names = sync_users(_sign_in(cloud, data_dir))
    if as_json:
        console.emit(SyncedDocument(admitted=names))
    elif names:
        console.result(f"let in again: {', '.join(names)}")
    else:
        console.note("Every machine user is let in already.")


def _sign_in(cloud: CloudName, data_dir: Path | None) -> "SignIn":
    from edgetrain.client.sign_in import connect_sign_in

    return connect_sign_in(connection(cloud, data_dir))


def _read_password() -> str:
    """One line of standard input.

    Raises:
        UsageError: it is empty.
    """
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageError("standard input has no password in its first line")
    return password
