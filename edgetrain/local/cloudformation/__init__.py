"""CloudFormation: templates deployed by the services' own APIs, whole or not at all, under names that a restart keeps."""

from edgetrain.local.cloudformation.api import CloudFormationApi
from edgetrain.local.cloudformation.names import Incarnations

__all__ = ["CloudFormationApi", "Incarnations"]
