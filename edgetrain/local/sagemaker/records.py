"""Moto's records of models, configurations and endpoints. What is leaned on has its tests in test_moto_hooks.py."""

from typing import Any

from edgetrain.local.place import ACCOUNT, PARTITION, REGION


def find_model(name: str) -> Any:
    """Moto's model, or None."""
    return _backend()._models.get(name)


def find_config(name: str) -> dict[str, Any] | None:
    """A configuration as DescribeEndpointConfig gives it, or None."""
    found = _backend().endpoint_configs.get(name)
    return None if found is None else dict(found.response_object)


def find_endpoint(name: str) -> Any:
    """Moto's endpoint, or None: DescribeEndpoint shows its fields."""
    return _backend().endpoints.get(name)


def enter(endpoint: Any, status: str, reason: str | None = None) -> None:
    """Take a status; DescribeEndpoint shows it from now on."""
    from moto.core.utils import utcnow

    endpoint.endpoint_status, endpoint.failure_reason = status, reason
    endpoint.last_modified_time = utcnow()


def use_config(endpoint: Any, name: str, config: dict[str, Any]) -> None:
    """The endpoint runs another configuration."""
    endpoint.endpoint_config_name = name
    endpoint.production_variants = endpoint._process_production_variants(config["ProductionVariants"])


def endpoint_arn(name: str) -> str:
    return f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT}:endpoint/{name.lower()}"


def _backend() -> Any:
    from moto.sagemaker.models import sagemaker_backends

    return sagemaker_backends[ACCOUNT][REGION]
