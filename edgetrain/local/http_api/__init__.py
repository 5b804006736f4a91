"""API Gateway's HTTP APIs in the embedded cloud: `HttpApis` answers their callers, `HttpApiControl` who deploys them."""

from edgetrain.local.http_api.access_log import AccessLog
from edgetrain.local.http_api.control import HttpApiControl
from edgetrain.local.http_api.gateway import PUBLIC, HttpApis

__all__ = ["PUBLIC", "AccessLog", "HttpApiControl", "HttpApis"]
