"""A detector in this process: finds things in a picture with LiteRT."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from edgetrain import keys
from edgetrain.contracts import DetectorSpec
from edgetrain.detection.anchors import ssd_anchors
from edgetrain.detection.detections import Detection, detections_of
from edgetrain.detection.pictures import Rgb, resize
from edgetrain.errors import ProgramInvalid

LEVELS = 256  # of an 8-bit channel


class Detector:
    """A published detector: `model.tflite` with its `detector.json`. Not for two threads at once."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Load the files of `folder`. LiteRT maps the model's file into memory: several detectors of a folder share it.

        Raises:
            ProgramInvalid: a file is missing or is not what it should be; the sentence names it.
        """
        self.spec = _read_spec(folder / keys.DETECTOR_FILE)
        wanted = self.spec.input
        self._interpreter = _load(folder / keys.MODEL_FILE, threads)
        #: Pixel value -> what the model sees.
        self._levels = (np.arange(LEVELS) * wanted.scale + wanted.offset).astype(np.float32)
        self._anchors = ssd_anchors(self.spec.decoder.anchors, wanted.height, wanted.width)
        self._input: Callable[[], npt.NDArray[np.float32]]
        self._input, self._outputs = self._check(folder / keys.MODEL_FILE)

    def detect(
        self, rgb: Rgb, *, min_score: float | None = None, max_detections: int | None = None
    ) -> tuple[Detection, ...]:
        """What is in a picture (uint8 [height, width, 3], upright), best first.

        `min_score` (0..1) and `max_detections` are the detector's own where they are None.

        Raises:
            ModelDiverged: the model gave numbers that are not finite.
        """
        self._input()[0] = self._levels[resize(rgb, self.spec.input.height, self.spec.input.width)]
        self._interpreter.invoke()
        outputs = {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}
        return detections_of(outputs, self._anchors, self.spec, min_score=min_score, max_detections=max_detections)

    def _check(self, file: Path) -> tuple[Callable[[], Any], dict[str, int]]:
        """The model's input and outputs are those of the spec: a view of the one, name -> index of the others."""
        decoder, labels = self.spec.decoder, len(self.spec.labels)
        count = len(self._anchors)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        found = {"input": _kind(inputs[0])} | {each["name"]: _kind(each) for each in outputs}
        expected = {
            "input": ("float32", [1, self.spec.input.height, self.spec.input.width, 3]),
            decoder.boxes: ("float32", [1, count, 4]),
            decoder.logits: ("float32", [1, count, labels + decoder.background]),
        }
        if len(inputs) != 1 or any(found.get(name) != kind for name, kind in expected.items()):
            raise ProgramInvalid(f"{file} takes and gives {found}: expected {expected}")
        indices = {each["name"]: each["index"] for each in outputs if each["name"] in expected}
        return self._interpreter.tensor(inputs[0]["index"]), indices


def _read_spec(file: Path) -> DetectorSpec:
    try:
        return DetectorSpec.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ProgramInvalid(f"{file} cannot be read: {error.strerror}: expected a detector's description") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ProgramInvalid(f"{file} describes no detector: {field}: {first['msg']}") from error


def _load(file: Path, threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    if not file.is_file():
        raise ProgramInvalid(f"there is no {file}: expected a detector's model")
    try:
        interpreter = Interpreter(model_path=str(file), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ProgramInvalid(f"{file} is no model that LiteRT can load: {error}") from error
    return interpreter


def _kind(detail: Any) -> tuple[str, list[int]]:
    """A tensor's dtype and shape."""
    return np.dtype(detail["dtype"]).name, [int(extent) for extent in detail["shape"]]
