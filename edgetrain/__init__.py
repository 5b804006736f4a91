"""Edgetrain: distributed training for the edge on AWS."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("edgetrain")
except PackageNotFoundError:  # running from a Lambda layer, which carries no package metadata
    __version__ = "0+layer"
