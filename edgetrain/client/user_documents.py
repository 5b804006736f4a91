"""What the commands about users print with `--json`."""

from pydantic import Field

from edgetrain.client.documents import Document


class PersonDocument(Document):
    """Somebody who signs in by a browser."""

    name: str
    email: str | None
    status: str = Field(description="Cognito's: CONFIRMED, FORCE_CHANGE_PASSWORD, ...")
    enabled: bool


class MachineDocument(Document):
    """A machine user: a program that asks for tokens with a secret (`edgetrain token NAME`)."""

    name: str
    client_id: str
    scopes: tuple[str, ...] = Field(description="detect, contribute, admin")
    admitted: bool = Field(
        description="Whether the API takes its tokens. `edgetrain users sync` lets in whom a deployment took out."
    )


class UsersDocument(Document):
    """`users list`."""

    people: tuple[PersonDocument, ...]
    machines: tuple[MachineDocument, ...]


class InvitedDocument(Document):
    """`users invite`."""

    name: str
    email: str | None
    password: str | None = Field(description="Made up and kept nowhere; null when it was given.")
    web: str = Field(description="Where to sign in.")


class SyncedDocument(Document):
    """`users sync`."""

    admitted: tuple[str, ...] = Field(description="Names of the machine users that were let in again.")


#: Name of the schema's file -> the document.
USER_DOCUMENTS: dict[str, type[Document]] = {
    "users": UsersDocument,
    "machine": MachineDocument,
    "invited": InvitedDocument,
    "synced": SyncedDocument,
}
