"""S3's errors, in its words."""

from xml.sax.saxutils import escape

from edgetrain.local.wsgi import Reply, Request, request_id


class S3Error(Exception):
    """What a client gets instead of an answer."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = headers or {}

    def reply(self, request: Request) -> Reply:
        """As XML; an answer to HEAD has no body."""
        if request.method == "HEAD":
            return Reply(self.status, {"Content-Type": "application/xml", "Content-Length": "0", **self.headers})
        identity = request_id()
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
            f"<Resource>{escape(request.path)}</Resource><RequestId>{identity}</RequestId></Error>"
        )
        return Reply.of(self.status, body.encode(), "application/xml", self.headers)


def no_such_bucket() -> S3Error:
    return S3Error(404, "NoSuchBucket", "The specified bucket does not exist")


def no_such_key(headers: dict[str, str] | None = None) -> S3Error:
    return S3Error(404, "NoSuchKey", "The specified key does not exist.", headers)


def no_such_version() -> S3Error:
    return S3Error(404, "NoSuchVersion", "The specified version does not exist.")


def no_such_upload() -> S3Error:
    return S3Error(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )


def precondition_failed() -> S3Error:
    return S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")


def invalid_request(message: str) -> S3Error:
    return S3Error(400, "InvalidRequest", message)


def invalid_argument(message: str) -> S3Error:
    return S3Error(400, "InvalidArgument", message)


def malformed_xml() -> S3Error:
    return S3Error(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def not_implemented(header: str) -> S3Error:
    return S3Error(
        501, "NotImplemented", f"A header you provided implies functionality that is not implemented: {header}"
    )
