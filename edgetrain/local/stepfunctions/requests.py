"""A request's fields, checked as AWS checks them."""

from typing import Any, Final

from edgetrain.limits import DEFAULT_EXECUTIONS_PAGE, EXECUTIONS_PAGE
from edgetrain.local.stepfunctions.failures import ApiError

_STATUSES: Final = ("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING")


class Request:
    """Reads fields. Raises ApiError: ValidationException or InvalidArn."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str, default: str | None = None) -> str | None:
        """A string, or the default where there is none."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            raise ApiError("ValidationException", f"Value at '{name}' must be a string")
        return default if value is None else value

    def arn(self, name: str, kind: str) -> str:
        """An ARN of Step Functions; of another kind of thing it names nothing that exists."""
        value = self.needed(name)
        parts = value.split(":", 6)
        if parts[0] != "arn":
            raise ApiError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {value}'")
        if len(parts) < 7 or parts[2] != "states" or parts[5] != kind:
            raise ApiError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {value}'")
        return value

    def needed(self, name: str, most: int | None = None) -> str:
        """A string that must be there, of at most so many characters."""
        value = self.short(name, most)
        if value is None:
            raise ApiError(
                "ValidationException",
                f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null",
            )
        return value

    def short(self, name: str, most: int | None) -> str | None:
        """A string of at most so many characters, or None where there is none."""
        value = self.text(name)
        if value is not None and most is not None and len(value) > most:
            raise ApiError(
                "ValidationException",
                f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {most}",
            )
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise ApiError("ValidationException", f"Value at '{name}' must be true or false")
        return default if value is None else value

    def page(self) -> int:
        """`maxResults`; 0 is the default."""
        value = self._fields.get("maxResults")
        if value is not None and (type(value) is not int or not 0 <= value <= EXECUTIONS_PAGE):
            raise ApiError(
                "ValidationException",
                f"1 validation error detected: Value '{value}' at 'maxResults' failed to satisfy constraint: "
                f"Member must have value between 0 and {EXECUTIONS_PAGE}",
            )
        return value or DEFAULT_EXECUTIONS_PAGE

    def status(self) -> str | None:
        """`statusFilter`."""
        value = self.text("statusFilter")
        if value is not None and value not in _STATUSES:
            raise ApiError(
                "ValidationException",
                f"1 validation error detected: Value '{value}' at 'statusFilter' failed to satisfy constraint: "
                f"Member must satisfy enum value set: [{', '.join(_STATUSES)}]",
            )
        return value

    def with_data(self) -> bool:
        """Whether `includedData` asks for inputs and outputs."""
        return self.text("includedData", "ALL_DATA") != "METADATA_ONLY"
