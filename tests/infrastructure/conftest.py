"""Assemblies, synthesised once for all tests of a session.

Most tests look at templates, in which a layer is no more than its hash: those are made with stand-ins for the layers' zip
files, so that they fetch nothing. test_synth.py runs app.py, with the layers that are deployed.
"""

from pathlib import Path

import pytest

from stacks.node import use_node
from stacks.packaging.archive import write_zip
from stacks.packaging.layers import LayerArchives
from stacks.packaging.serving import DOCKERFILE, ServingArtifacts
from stacks.targets import Target, aws_target, host_target
from tests.infrastructure.reading import Assembly

use_node()  # before anything imports the CDK


def stand_ins(folder: Path, mark: str) -> LayerArchives:
    """Zip files in the place of the layers; `mark` makes their hashes differ."""
    paths = {}
    for layer in ("dependencies", "runtime", "pictures", "code"):
        paths[layer] = folder / f"{layer}.zip"
        write_zip({"python/stand_in.txt": f"{layer} {mark if layer != 'code' else ''}".encode()}, paths[layer])
    return LayerArchives(**paths)


def stand_in_artifacts(folder: Path) -> ServingArtifacts:
    """A folder and a file in the place of the image's build context and the first model."""
    dockerfile, model = folder / "image" / DOCKERFILE, folder / "model.tar.gz"
    dockerfile.parent.mkdir(parents=True)
    dockerfile.write_text("FROM scratch\n")
    model.write_bytes(b"stand-in")
    return ServingArtifacts(image=folder / "image", first_models={"objects": model})


def synthesise(target: Target, folder: Path, **context: str) -> Assembly:
    from stacks.application import add_stacks, make_app

    archives = stand_ins(folder / "layers", f"{target.name} {target.architecture}")
    app = make_app(outdir=str(folder / "out"), context=context)
    add_stacks(app, target=target, archives=archives, artifacts=stand_in_artifacts(folder / "serving"))
    app.synth()
    return Assembly(folder / "out")


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesise(aws_target("x86_64"), tmp_path_factory.mktemp("aws"))


@pytest.fixture(scope="session")
def aws_arm64(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesise(aws_target("arm64"), tmp_path_factory.mktemp("arm64"))


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesise(host_target(), tmp_path_factory.mktemp("host"))
