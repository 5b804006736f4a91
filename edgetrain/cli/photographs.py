"""Photographs that scikit-image's package carries: what the demonstration, the tests and the benchmark look at."""

import io
from typing import Final

from edgetrain.errors import ExtraMissing

#: Photograph -> what the pretrained detector finds in it, by its label.
PHOTOGRAPHS: Final = {"astronaut": "Person", "chelsea": "Cat", "coffee": "Coffee cup"}
QUALITY: Final = 92


def photograph(name: str) -> bytes:
    """One of `PHOTOGRAPHS` as a JPEG file.

    Raises:
        ExtraMissing: scikit-image is not installed.
    """
    from PIL import Image

    try:
        from skimage import data
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            "the photographs come from scikit-image, which is not installed: pip install 'edgetrain[see]'"
        ) from error
    written = io.BytesIO()
    Image.fromarray(getattr(data, name)()).save(written, "JPEG", quality=QUALITY)
    return written.getvalue()
