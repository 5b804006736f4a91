"""The prefix of DataBucket where pictures lie for a day."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from edgetrain.errors import ServiceBusy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: S3 answers soon again, as a rule; when it refuses, a person has to mend it.
RETRY_AFTER = 5


class S3PictureStore:
    """Writes pictures; whoever uses it need not be allowed to read them."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, key: str, body: bytes, *, content_type: str, name: str) -> None:
        """Store a picture with its sender's name (ASCII; empty for none) as metadata. S3 stores all of it or nothing.

        Raises:
            ServiceBusy: S3 refused, or did not answer.
        """
        metadata: Any = {"Metadata": {"name": name}} if name else {}
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, **metadata)
        except (ClientError, BotoCoreError) as error:
            raise ServiceBusy(
                "the picture cannot be stored now, so nothing was looked for in it",
                code="storage_unavailable",
                retry_after=RETRY_AFTER,
            ) from error
