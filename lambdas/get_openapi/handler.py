"""Route GET /openapi.json: `edgetrain.api.openapi`."""

from functools import partial

from edgetrain.api.entry import serve, sign_in_url
from edgetrain.api.openapi import get_openapi

handler = serve(partial(get_openapi, sign_in_url()))
