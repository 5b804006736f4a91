"""The layers of the functions, and the check that they fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from edgetrain import limits
from edgetrain.errors import UsageError
from stacks.packaging.archive import unpacked_bytes
from stacks.packaging.layers import LayerArchives
from stacks.targets import Target

Extra = Literal["runtime", "pictures"]
#: What only some functions need -> what it is.
EXTRAS: Final[dict[Extra, str]] = {
    "runtime": "LiteRT: runs training programs",
    "pictures": "Pillow: reads and scales pictures",
}


class Layers(Construct):
    """Layer versions of one stack: `plain` for all its functions, `with_extra` for those that need the extra one, too."""

    def __init__(
        self, scope: Construct, construct_id: str, *, target: Target, archives: LayerArchives, extra: Extra
    ) -> None:
        super().__init__(scope, construct_id)
        archive: Path = getattr(archives, extra)
        check_size([archives.dependencies, archive, archives.code])
        self._target = target
        dependencies = self._layer("Dependencies", archives.dependencies, "NumPy, pydantic, safetensors, Powertools")
        between = self._layer(extra.title(), archive, EXTRAS[extra])
        code = self._layer("Code", archives.code, "the part of edgetrain that runs in Lambda")
        self.plain: tuple[lambda_.ILayerVersion, ...] = (dependencies, code)
        self.with_extra: tuple[lambda_.ILayerVersion, ...] = (dependencies, between, code)

    def _layer(self, construct_id: str, archive: Path, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=lambda_.Code.from_asset(str(archive)),
            description=f"Edgetrain: {description}",
            compatible_runtimes=[lambda_.Runtime(self._target.runtime, lambda_.RuntimeFamily.PYTHON)],
        )


def check_size(archives: Sequence[Path]) -> None:
    """Raise `UsageError` when a function with all these layers would not fit into Lambda."""
    size = sum(unpacked_bytes(archive) for archive in archives)
    if size > limits.LAMBDA_UNPACKED_BYTES:
        raise UsageError(
            f"the layers are {size} bytes unpacked: Lambda takes at most {limits.LAMBDA_UNPACKED_BYTES}; "
            "drop more of the wheels (stacks/packaging/layers.py)"
        )
