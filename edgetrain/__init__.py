"""Edgetrain: distributed training for the edge on AWS."""

from typing import Final

#: The one place of the version: a Lambda layer carries this file and no package metadata.
__version__: Final = "0.1.0"
