"""Types of resources: one provider each, by the service's own API inside of the cloud."""

from edgetrain.local.cloudformation.providers.dynamodb import TableProvider
from edgetrain.local.cloudformation.providers.functions import FunctionProvider, LayerVersionProvider
from edgetrain.local.cloudformation.providers.iam import PolicyProvider, RoleProvider
from edgetrain.local.cloudformation.providers.logs import LogGroupProvider
from edgetrain.local.cloudformation.providers.moto_models import moto_provider
from edgetrain.local.cloudformation.providers.s3 import BucketPolicyProvider, BucketProvider
from edgetrain.local.cloudformation.providers.ssm import ParameterProvider
from edgetrain.local.cloudformation.providers.stepfunctions import StateMachineProvider
from edgetrain.local.cloudformation.resources import Provider
from edgetrain.local.loopback import Loopback

OURS = (
    BucketPolicyProvider,
    BucketProvider,
    FunctionProvider,
    LayerVersionProvider,
    LogGroupProvider,
    ParameterProvider,
    PolicyProvider,
    RoleProvider,
    StateMachineProvider,
    TableProvider,
)


class Providers:
    """Finds the provider of a type."""

    def __init__(self, clients: Loopback) -> None:
        self._known: dict[str, Provider | None] = {provider.kind: provider(clients) for provider in OURS}

    def of(self, kind: str) -> Provider | None:
        """The provider of a type; None of a type that is not supported."""
        if kind not in self._known:
            self._known[kind] = moto_provider(kind)
        return self._known[kind]
