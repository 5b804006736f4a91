"""TensorFlow says a lot on standard error while it is imported and while it converts, part of it before any switch works."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: How much of what was held back goes with an error.
NOTE_CHARACTERS: Final = 2000
STANDARD_ERROR: Final = 2


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what this process writes to standard error; when the block raises, its end is added to the error as a note."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    outside = os.dup(STANDARD_ERROR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), STANDARD_ERROR)
        try:
            yield
        except Exception as error:
            sys.stderr.flush()
            held.seek(0)
            error.add_note(held.read().decode(errors="replace")[-NOTE_CHARACTERS:])
            raise
        finally:
            sys.stderr.flush()
            os.dup2(outside, STANDARD_ERROR)
            os.close(outside)
