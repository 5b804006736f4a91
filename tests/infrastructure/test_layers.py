"""The layers as they are deployed: what they hold, and that the handlers need nothing else."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgetrain import limits
from stacks.packaging.archive import unpacked_bytes
from stacks.packaging.layers import CODE_PACKAGES, PROJECT, LayerArchives, build_layers
from stacks.targets import host_target

#: What Lambda's Python brings along.
OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3")
HANDLERS = sorted(path.parent.name for path in (PROJECT / "lambdas").glob("*/handler.py"))
#: Imports one handler as Lambda does, and tells where everything came from.
IMPORT = """
import json, sys
sys.path[:0] = sys.argv[1:]
import handler
assert callable(handler.handler)
if "edgetrain.runtime.program" in sys.modules:
    from ai_edge_litert.interpreter import Interpreter  # which the first program loads
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print(json.dumps({name: file for name, file in files.items() if file}))
"""
#: What a state's function imports of the layers, beside our code and pydantic.
STEPS_PACKAGES = ("numpy", "safetensors")
#: As above, where it is not the same.
PACKAGES_OF = {
    "train_client": (*STEPS_PACKAGES, "ai_edge_litert"),
    "evaluate_model": (*STEPS_PACKAGES, "ai_edge_litert"),
    "detect_objects": ("numpy", "PIL"),
    **dict.fromkeys(("get_labels", "get_latest_model", "list_model_versions", "download_model", "get_openapi"), ()),
}
#: Plays with pictures under the layers alone: a turned JPEG, a transparent PNG with a colour profile's worth of modes, a GIF.
PICTURES = """
import io, sys
sys.path[:0] = sys.argv[1:]
from PIL import Image
from edgetrain.detection.pictures import media_type, shrink
from edgetrain.errors import PictureInvalid
def written(image, kind, **settings):
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()
exif = Image.Exif()
exif[0x0112] = 6
turned = written(Image.new("RGB", (2000, 3000), "teal"), "JPEG", exif=exif, progressive=True)
for kind, body in (("JPEG", turned), ("PNG", written(Image.new("LA", (800, 600), (7, 9)), "PNG"))):
    small = Image.open(io.BytesIO(shrink(body).body))
    small.load()
    print(kind, *small.size)
try:
    shrink(written(Image.new("P", (9, 9)), "GIF"))
except PictureInvalid:
    print("refused")
"""


@pytest.fixture(scope="module")
def archives() -> LayerArchives:
    return build_layers(host_target())


@pytest.fixture(scope="module")
def opt(archives: LayerArchives, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers, unpacked over one another as Lambda does it."""
    folder = tmp_path_factory.mktemp("opt")
    for archive in vars(archives).values():
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and nothing else of this environment."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in OF_THE_RUNTIME:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (folder / name).symlink_to(Path(spec.origin).parent)
    six = find_spec("six")  # dateutil's
    assert six is not None
    assert six.origin is not None
    (folder / "six.py").symlink_to(six.origin)
    return folder


def test_no_file_lies_in_two_layers(archives: LayerArchives) -> None:
    names: list[str] = []
    for archive in vars(archives).values():
        with zipfile.ZipFile(archive) as file:
            names += file.namelist()
    assert len(names) == len(set(names))
    assert all(name.startswith("python/") for name in names)


def test_the_layers_fit_with_room_to_spare(archives: LayerArchives) -> None:
    assert sum(map(unpacked_bytes, vars(archives).values())) < limits.LAMBDA_UNPACKED_BYTES // 2
    assert sum(path.stat().st_size for path in vars(archives).values()) < 30 * limits.MIB


def test_the_code_layer_holds_what_runs_in_lambda(archives: LayerArchives) -> None:
    with zipfile.ZipFile(archives.code) as file:
        inside = {name.removeprefix("python/edgetrain/") for name in file.namelist()}
    packages = {name.split("/")[0] for name in inside if "/" in name}
    assert packages == set(CODE_PACKAGES)
    assert {name for name in inside if "/" not in name} == {
        *("__init__.py", "contracts.py", "errors.py", "keys.py", "limits.py")
    }


@pytest.mark.parametrize("folder", HANDLERS)
def test_a_handler_needs_its_layers_and_boto3_alone(opt: Path, runtime: Path, folder: str) -> None:
    stores = dict.fromkeys(("DATA_BUCKET", "RUNS_BUCKET", "MODELS_BUCKET", "LEDGER_TABLE", "SIGN_IN_URL"), "x")
    stores |= {"ENDPOINTS": '{"objects": "x"}', "PICTURES_BUCKET": "x"}
    site = opt / "python"
    done = subprocess.run(
        # -I -S: neither this environment's packages nor the checkout are on the path.
        [sys.executable, "-I", "-S", "-c", IMPORT, str(PROJECT / "lambdas" / folder), str(site), str(runtime)],
        env={"PATH": os.defpath, "AWS_DEFAULT_REGION": "eu-central-1", "POWERTOOLS_SERVICE_NAME": folder, **stores},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files: dict[str, str] = json.loads(done.stdout)
    assert not {"tensorflow", "keras", "moto", "aws_cdk"} & {name.split(".")[0] for name in files}
    of_layers = {"edgetrain", "pydantic", *PACKAGES_OF.get(folder, STEPS_PACKAGES)}
    for name in of_layers:
        assert files[name].startswith(str(site)), name
    heavy = {"ai_edge_litert", "numpy", "safetensors", "PIL"}
    assert heavy & set(files) == heavy & of_layers, "what a function does not need is not imported when it starts"


def test_the_pictures_layer_reads_and_writes_what_pictures_are_sent_as(opt: Path) -> None:
    """Libraries were left out of it: of no file is the smaller layer asked for any of them."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PICTURES, str(opt / "python")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["JPEG", "1024", "683", "PNG", "800", "600", "refused"]
