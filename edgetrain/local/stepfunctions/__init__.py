"""The execution engine: an interpreter of Amazon States Language (JSONPath), journalled in sqlite.

What it implements runs as on AWS; what it does not is refused by `check_definition`, with the state's name.
"""

from edgetrain.local.stepfunctions.api import StepFunctionsApi
from edgetrain.local.stepfunctions.engine import Engine, check_definition
from edgetrain.local.stepfunctions.failures import ApiError, InvalidDefinition, JournalUnreadable
from edgetrain.local.stepfunctions.ports import FunctionResult, Integrations, ServiceError, StateMachine

__all__ = [
    "ApiError",
    "Engine",
    "FunctionResult",
    "Integrations",
    "InvalidDefinition",
    "JournalUnreadable",
    "ServiceError",
    "StateMachine",
    "StepFunctionsApi",
    "check_definition",
]
