"""Route GET /models/{task}/latest: `edgetrain.api.get_latest_model`."""

from functools import partial

from edgetrain.api.catalogue import Catalogue
from edgetrain.api.entry import models, serve
from edgetrain.api.get_latest_model import get_latest_model

handler = serve(partial(get_latest_model, Catalogue(models())))
