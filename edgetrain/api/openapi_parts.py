"""What the API's description is put together from: references, parameters, headers, and the error answers of a route."""

from typing import Any, Final

from edgetrain.api.messages import ErrorReply, GatewayReply
from edgetrain.api.refusals import CODES, status_of
from edgetrain.contracts import Contract
from edgetrain.keys import ID_PATTERN

Json = dict[str, Any]

JSON: Final = "application/json"
#: What API Gateway says itself, by status.
GATEWAY: Final = {
    401: ("No token, or one that is expired, altered, of another issuer or for another client.", "Unauthorized"),
    403: ("The token has none of the scopes that the route asks for.", "Forbidden"),
    404: ("There is no such route.", "Not Found"),
    413: ("The body has more than 10 MB, or more than a function takes.", "Request Entity Too Large"),
    429: ("More requests a second than the route takes, over all callers.", "Too Many Requests"),
    500: ("A fault of the service.", "Internal Server Error"),
    503: ("The service did not answer within 30 seconds.", "Service Unavailable"),
}


def ref(model: type[Contract]) -> Json:
    """A contract's schema, by reference."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def answer(about: str, model: type[Contract]) -> Json:
    """An answer whose body is a contract."""
    return {"description": about, "content": {JSON: {"schema": ref(model)}}}


def header(about: str) -> Json:
    """A header of an answer."""
    return {"description": about, "schema": {"type": "string"}}


def query(name: str, schema: Json, about: str) -> Json:
    """A parameter that may be left out."""
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def task() -> Json:
    """The path's parameter `task`."""
    schema = {"type": "string", "pattern": ID_PATTERN}
    return {"name": "task", "in": "path", "required": True, "schema": schema, "example": "objects"}


def refusals(*codes: str, public: bool = False) -> Json:
    """The error answers of a route: those of our code, and those of API Gateway."""
    gateway = set(GATEWAY) - ({401, 403} if public else set())
    ours = {status: [code for code in codes if CODES[code].status == status] for status in map(status_of, codes)}
    return {
        str(status): refusal(status, ours[status], status in gateway)
        if status in ours
        else {"$ref": f"#/components/responses/Gateway{status}"}
        for status in sorted({*ours, *gateway})
    }


def refusal(status: int, codes: list[str], gateway: bool) -> Json:
    """The error answer of one status: our codes, API Gateway's own body (`gateway`), or both."""
    about = [f"`{code}`: {CODES[code].about}" for code in codes]
    examples: Json = {code: {"value": {"error": {"code": code, "message": CODES[code].about}}} for code in codes}
    schemas = [ref(ErrorReply)] if codes else []
    if gateway:
        sentence, message = GATEWAY[status]
        about.append(f"API Gateway: {sentence}")
        examples["gateway"] = {"value": {"message": message}}
        schemas.append(ref(GatewayReply))
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    described: Json = {"description": "\n\n".join(about), "content": {JSON: {"schema": schema, "examples": examples}}}
    if status == 503:
        described["headers"] = {"Retry-After": header("Seconds, with errors of ours")}
    if status == 401:
        described["headers"] = {"WWW-Authenticate": header("Bearer")}
    return described
