"""SageMaker's folder contract: where a training container finds its input and leaves its output.

    input/config/hyperparameters.json     a map of strings
    input/config/inputdataconfig.json     the channels and how they come
    input/data/<channel>/                 a channel's objects (mode File or FastFile)
    model/                                becomes model.tar.gz
    output/failure                        why the job failed; SageMaker shows its first 1,024 characters

All of it lies in one base folder, `/opt/ml` in a container.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: SageMaker's own toolkit takes another base folder from here, too.
BASE_VARIABLE: Final = "SAGEMAKER_BASE_DIR"
DEFAULT_BASE: Final = "/opt/ml"
TRAIN: Final = "train"
TEST: Final = "test"
#: What the trainer leaves in `model/`, beside the files that `edgetrain.keys` names.
KERAS_FILE: Final = "model.keras"
METRICS_FILE: Final = "metrics.json"
FAILURE_CHARACTERS: Final = 1024


@dataclass(frozen=True)
class JobFolders:
    """The folders of one job."""

    base: Path

    @classmethod
    def from_environment(cls) -> "JobFolders":
        """Those of this container, or of the folder that `SAGEMAKER_BASE_DIR` names."""
        return cls(Path(os.environ.get(BASE_VARIABLE, DEFAULT_BASE)))

    @property
    def hyperparameters(self) -> Path:
        return self.base / "input" / "config" / "hyperparameters.json"

    @property
    def channels(self) -> Path:
        return self.base / "input" / "config" / "inputdataconfig.json"

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> Path:
        return self.base / "output" / "failure"

    def channel(self, name: str) -> Path:
        """A channel's objects."""
        return self.base / "input" / "data" / name
