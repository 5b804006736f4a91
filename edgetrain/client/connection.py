"""Which cloud is talked to, and how."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

#: The embedded cloud takes any key; these say where they come from.
EMBEDDED_KEY = "edgetrain"
EMBEDDED_REGION = "us-east-1"


@dataclass(frozen=True)
class Connection:
    """An endpoint with its keys; what is None comes from the user's own AWS settings."""

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None

    @classmethod
    def embedded(cls, endpoint: str) -> "Connection":
        """An embedded cloud."""
        return cls(endpoint, EMBEDDED_REGION, EMBEDDED_KEY, EMBEDDED_KEY)

    @property
    def is_local(self) -> bool:
        """Whether it can be asked often without a bill."""
        return self.endpoint is not None

    def client(self, service: str) -> Any:
        """A boto3 client that tries again after throttling and broken connections."""
        from botocore.config import Config

        attempts = 3 if self.is_local else 5
        config = Config(
            connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": attempts}
        )
        return self._session.client(service, endpoint_url=self.endpoint, config=config)

    @cached_property
    def _session(self) -> Any:
        from boto3.session import Session

        return Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name=self.region
        )

    def environment(self) -> dict[str, str]:
        """What any AWS client needs in its environment to talk to the same cloud."""
        wanted = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }
        return {name: value for name, value in wanted.items() if value is not None}
