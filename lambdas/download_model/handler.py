"""Route GET /models/{task}/{version}/download: `edgetrain.api.download_model`."""

from datetime import UTC, datetime
from functools import partial

from edgetrain.api.catalogue import Catalogue
from edgetrain.api.download_model import download_model
from edgetrain.api.entry import models, serve

store = models()
handler = serve(partial(download_model, Catalogue(store), store, partial(datetime.now, UTC)))
