"""Everyday objects: the detector of the first day, taken out of an npm package.

`@mediapipe/objectron` (Apache-2.0) carries an SSD with a MobileNetV2 backbone and its label map inside of one file of assets; `make
install` fetches the package by name and version, the bytes are checked here, and none of them lies in this repository.

A. Kuznetsova et al.: "The Open Images Dataset V4" (IJCV 2020); M. Sandler et al.: "MobileNetV2" (CVPR 2018); Liu et al.: "SSD" (ECCV 2016).
"""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Final

from edgetrain import keys
from edgetrain.contracts import DetectorInput, DetectorSpec, SsdAnchors, SsdDecoder
from edgetrain.errors import PackageMissing

TASK: Final = "objects"
PACKAGE: Final = "@mediapipe/objectron"
VERSION: Final = "0.4.1675468480"
SOURCE: Final = f"npm:{PACKAGE}@{VERSION}"
LICENCE: Final = "Apache-2.0"
ROOT: Final = Path(__file__).parents[2]
PACKAGE_FOLDER: Final = ROOT / "node_modules" / PACKAGE

ASSETS: Final = "objectron_solution_packed_assets.data"
ASSETS_SHA256: Final = "470986ca5df183f41698da6de74b027d838fe289d77b5ab094497d350bee664e"
MODEL_SHA256: Final = "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6"
#: Where in the assets the two files lie (the package's own loader lists them).
LABEL_MAP: Final = slice(0, 184)
MODEL: Final = slice(184, 9_987_912)
BACKGROUND: Final = "???"  # the label map's name of no object

#: Where the version comes from, as its manifest says it.
LINEAGE: Final = {
    "architecture": "pretrained",
    "source": SOURCE,
    "licence": LICENCE,
    "package_file": ASSETS,
    "package_file_sha256": ASSETS_SHA256,
    "trained_on": "Open Images V4",
}

NOTICE: Final = f"""model.tflite: an SSD-MobileNetV2 trained on Open Images V4 by the MediaPipe Authors, copied unchanged out of
the file {ASSETS} of the npm package
{PACKAGE} {VERSION}, which is licensed under the Apache License, Version 2.0, below.

"""

INPUT: Final = DetectorInput(height=300, width=300, scale=1 / 127.5, offset=-1.0)
DECODER: Final = SsdDecoder(
    boxes="raw_outputs/box_encodings",
    logits="raw_outputs/class_predictions",
    background=True,
    centre_scale=10.0,
    size_scale=5.0,
    anchors=SsdAnchors(
        strides=(16, 32, 64, 128, 256, 512),
        min_scale=0.2,
        max_scale=0.95,
        aspect_ratios=(1.0, 2.0, 0.5, 3.0, 0.3333),
        fewer_in_first_map=True,
    ),
)


def detector_spec(labels: tuple[str, ...]) -> DetectorSpec:
    """`detector.json` of the package's model."""
    return DetectorSpec(
        task=TASK,
        title="Everyday objects (SSD-MobileNetV2, Open Images V4)",
        labels=labels,
        input=INPUT,
        decoder=DECODER,
        min_score=0.4,
        iou=0.5,
        max_detections=100,
    )


def pretrained_files(package: Path = PACKAGE_FOLDER) -> dict[str, bytes]:
    """Name -> bytes of the first detector's files: `model.tflite`, `detector.json`, `LICENSE`.

    Raises:
        PackageMissing: the package is not installed, or is not the one that this was written for.
    """
    assets = _assets(package)
    model = assets[MODEL]
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise PackageMissing(f"the model in {package / ASSETS} does not have the SHA-256 {MODEL_SHA256}")
    labels = assets[LABEL_MAP].decode().splitlines()
    spec = detector_spec(tuple(label for label in labels if label != BACKGROUND))
    return {
        keys.MODEL_FILE: model,
        keys.DETECTOR_FILE: (spec.model_dump_json(indent=2) + "\n").encode(),
        keys.LICENSE_FILE: NOTICE.encode() + (ROOT / "LICENSE").read_bytes(),
    }


def first_model_archive(package: Path = PACKAGE_FOLDER) -> bytes:
    """`pretrained_files` as a `model.tar.gz`, as SageMaker unpacks it below /opt/ml/model: the same bytes each time.

    Raises:
        PackageMissing: as of `pretrained_files`.
    """
    packed = io.BytesIO()
    # Nothing of this machine goes in: no times, no owner. Stored, not squeezed: 16-bit floats would shrink by a tenth.
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=0, fileobj=packed, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, body in sorted(pretrained_files(package).items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(body), 0o644
            archive.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


def _assets(package: Path) -> bytes:
    file = package / ASSETS
    try:
        body = file.read_bytes()
    except OSError as error:
        raise PackageMissing(f"the npm package {PACKAGE} is not installed (no {file}): run `make install`") from error
    if hashlib.sha256(body).hexdigest() != ASSETS_SHA256:
        raise PackageMissing(
            f"{file} does not have the SHA-256 {ASSETS_SHA256} of {PACKAGE} {VERSION}: run `make install`"
        )
    return body
