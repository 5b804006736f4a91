"""Where the embedded cloud says that it is."""

from typing import Final

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
PARTITION: Final = "aws"
LOOPBACK: Final = "127.0.0.1"
