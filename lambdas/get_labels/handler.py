"""Route GET /labels/{task}: `edgetrain.api.get_labels`."""

from functools import partial

from edgetrain.api.catalogue import Catalogue
from edgetrain.api.entry import models, serve
from edgetrain.api.get_labels import get_labels

handler = serve(partial(get_labels, Catalogue(models())))
