"""Types of resources: one provider each, by the service's own API inside of the cloud."""

from collections.abc import Iterable

from edgetrain.local.cloudformation.providers.apigatewayv2 import (
    ApiProvider,
    AuthorizerProvider,
    DeploymentProvider,
    IntegrationProvider,
    RouteProvider,
    StageProvider,
)
from edgetrain.local.cloudformation.providers.cloudwatch import AlarmProvider
from edgetrain.local.cloudformation.providers.cognito import (
    ResourceServerProvider,
    UserPoolClientProvider,
    UserPoolDomainProvider,
    UserPoolProvider,
)
from edgetrain.local.cloudformation.providers.dynamodb import TableProvider
from edgetrain.local.cloudformation.providers.functions import FunctionProvider, LayerVersionProvider
from edgetrain.local.cloudformation.providers.iam import PolicyProvider, RoleProvider
from edgetrain.local.cloudformation.providers.logs import LogGroupProvider
from edgetrain.local.cloudformation.providers.moto_models import moto_provider
from edgetrain.local.cloudformation.providers.permissions import PermissionProvider
from edgetrain.local.cloudformation.providers.s3 import BucketPolicyProvider, BucketProvider
from edgetrain.local.cloudformation.providers.sagemaker import EndpointConfigProvider, EndpointProvider, ModelProvider
from edgetrain.local.cloudformation.providers.ssm import ParameterProvider
from edgetrain.local.cloudformation.providers.stepfunctions import StateMachineProvider
from edgetrain.local.cloudformation.resources import Provider
from edgetrain.local.loopback import Loopback

OURS = (
    AlarmProvider,
    ApiProvider,
    AuthorizerProvider,
    BucketPolicyProvider,
    BucketProvider,
    DeploymentProvider,
    EndpointConfigProvider,
    EndpointProvider,
    FunctionProvider,
    IntegrationProvider,
    LayerVersionProvider,
    LogGroupProvider,
    ModelProvider,
    ParameterProvider,
    PermissionProvider,
    PolicyProvider,
    ResourceServerProvider,
    RoleProvider,
    RouteProvider,
    StageProvider,
    StateMachineProvider,
    TableProvider,
    UserPoolClientProvider,
    UserPoolDomainProvider,
    UserPoolProvider,
)


class Providers:
    """Finds the provider of a type."""

    def __init__(self, clients: Loopback, others: Iterable[Provider] = ()) -> None:
        """`others` are those that need more of the cloud than its clients."""
        self._known: dict[str, Provider | None] = {provider.kind: provider(clients) for provider in OURS}
        self._known |= {provider.kind: provider for provider in others}

    def of(self, kind: str) -> Provider | None:
        """The provider of a type; None of a type that is not supported."""
        if kind not in self._known:
            self._known[kind] = moto_provider(kind)
        return self._known[kind]
