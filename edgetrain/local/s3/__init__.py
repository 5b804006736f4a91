"""S3: object bodies in files, exact conditional writes, checksums, versions and bucket policies; the rest is moto's."""

from edgetrain.local.s3.api import S3Api

__all__ = ["S3Api"]
