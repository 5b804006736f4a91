"""Route GET /models/{task}/versions: `edgetrain.api.list_model_versions`."""

from functools import partial

from edgetrain.api.catalogue import Catalogue
from edgetrain.api.entry import models, serve
from edgetrain.api.list_model_versions import list_model_versions

handler = serve(partial(list_model_versions, Catalogue(models())))
