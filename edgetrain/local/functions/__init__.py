"""Lambda functions in the embedded cloud: deployed packages, run in processes under AWS's own runtime client."""

from edgetrain.local.functions.executor import Executor
from edgetrain.local.functions.interface import (
    Credentials,
    FunctionConfiguration,
    FunctionServices,
    InvocationError,
    LayerContent,
    Result,
)

__all__ = [
    "Credentials",
    "Executor",
    "FunctionConfiguration",
    "FunctionServices",
    "InvocationError",
    "LayerContent",
    "Result",
]
