"""What goes wrong with a stack."""

from moto.core.exceptions import ServiceException


class StackError(ServiceException):  # type: ignore[misc] # moto is untyped
    """An error of CloudFormation's API, in its words."""


def invalid(message: str) -> StackError:
    """The code that CloudFormation has for nearly everything."""
    return StackError("ValidationError", message)


def no_such_stack(name: str) -> StackError:
    return invalid(f"Stack with id {name} does not exist")


class ResourceFailed(Exception):
    """A resource could not be made, changed or deleted; the text is the reason that the stack's events show."""

    def __init__(self, logical_id: str, kind: str, reason: str) -> None:
        super().__init__(f"{logical_id} ({kind}): {reason}")
        self.logical_id, self.kind, self.reason = logical_id, kind, reason
