"""SageMaker's endpoints: the control plane is moto's, what stands behind an endpoint are supervised processes of the image's program."""

from edgetrain.local.sagemaker.api import SageMakerApi
from edgetrain.local.sagemaker.endpoints import Endpoints

__all__ = ["Endpoints", "SageMakerApi"]
