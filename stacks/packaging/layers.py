"""The layers of the functions, each one zip file in a cache that is keyed by what it is made from.

`dependencies` is what every handler imports, `runtime` is LiteRT (training and evaluation only), `pictures` is Pillow
(detecting only), `code` is the part of `edgetrain` that runs in Lambda. boto3 is in Lambda's own runtime.
"""

import hashlib
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from stacks.packaging.archive import digest, write_zip
from stacks.packaging.wheels import LayerBuildFailed, install
from stacks.targets import Target

PROJECT: Final = Path(__file__).parents[2]
CACHE: Final = PROJECT / "build" / "layers"
#: Where Lambda's Python looks for a layer's packages.
SITE: Final = "python/"

#: What no import needs. Licences stay; so does WHEEL, which names the platform tags.
DROPPED: Final = (
    *("bin/*", "*/__pycache__/*", "*.pyc", "*.pyi", "*/tests/*", "*/test/*", "*.a", "*.h"),
    *("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", "*.dist-info/direct_url.json"),
    *("*.dist-info/sboms/*", "*.dist-info/entry_points.txt"),
    *("numpy/distutils/*", "numpy/f2py/*", "numpy/_pyinstaller/*"),
    *("numpy/random/lib/*", "numpy/random/_examples/*", "numpy/doc/*"),
    "aws_lambda_powertools/event_handler/openapi/swagger_ui/*",
    # Pillow's modules for what is neither JPEG nor PNG, and the libraries that only they load: AVIF, fonts, colour profiles.
    *("PIL/_avif.*", "PIL/_imagingft.*", "PIL/_imagingcms.*", "PIL/_imagingtk.*", "PIL/_webp.*"),
    *("pillow.libs/libavif-*", "pillow.libs/libfreetype-*", "pillow.libs/libharfbuzz-*", "pillow.libs/libpng16-*"),
    *("pillow.libs/libbrotli*", "pillow.libs/liblcms2-*", "pillow.libs/libwebpdemux-*", "pillow.libs/libwebpmux-*"),
)
#: Of ai-edge-litert's 200 MB, what its interpreter loads. The rest: compilers, accelerators, vendors' tools.
RUNTIME_PARTS: Final = (
    "ai_edge_litert/__init__.py",
    "ai_edge_litert/interpreter.py",
    "ai_edge_litert/metrics_interface.py",
    "ai_edge_litert/metrics_portable.py",
    "ai_edge_litert/_pywrap_litert_interpreter_wrapper.so",
    "ai_edge_litert/_pywrap_tensorflow_lite_metrics_wrapper.so",
    "ai_edge_litert/libpywrap_litert_common.so",
    "*.dist-info/*",
)
#: Layers of wheels -> whether the wheels' own requirements are locked with them (LiteRT's are for its tools).
WHEEL_LAYERS: Final = {"dependencies": True, "runtime": False, "pictures": True}
#: The part of `edgetrain` that handlers import.
CODE_MODULES: Final = ("__init__", "contracts", "errors", "keys", "limits")
CODE_PACKAGES: Final = ("api", "detection", "federated", "rounds", "runtime", "stores")


@dataclass(frozen=True, kw_only=True)
class LayerArchives:
    """The zip files of one target's layers."""

    dependencies: Path
    runtime: Path
    pictures: Path
    code: Path


def build_layers(target: Target, cache: Path = CACHE) -> LayerArchives:
    """All layers of `target`, from the cache where they are there.

    Raises:
        LayerBuildFailed: pip could not fetch the locked wheels, or a part of `edgetrain` is missing.
    """
    return LayerArchives(
        dependencies=_wheel_layer("dependencies", target, cache, keep=("*",)),
        runtime=_wheel_layer("runtime", target, cache, keep=RUNTIME_PARTS),
        pictures=_wheel_layer("pictures", target, cache, keep=("*",)),
        code=_code_layer(cache),
    )


def lock_file(layer: str) -> Path:
    """The lock file of a layer of wheels."""
    return PROJECT / "requirements" / f"layer-{layer}.lock"


def slim(names: Iterable[str], keep: tuple[str, ...]) -> Iterator[str]:
    """Those of `names` that a layer holds."""
    for name in names:
        if any(fnmatchcase(name, pattern) for pattern in keep) and not any(
            fnmatchcase(name, pattern) for pattern in DROPPED
        ):
            yield name


def _wheel_layer(layer: str, target: Target, cache: Path, keep: tuple[str, ...]) -> Path:
    lock = lock_file(layer)
    archive = cache / f"{layer}-{target.name}-{target.architecture}-py{target.python}-{_key(lock, target)}.zip"
    if archive.exists():
        return archive
    sys.stderr.write(f"edgetrain: building layer {layer} for {target.name} ({target.architecture}, {target.runtime})\n")
    with tempfile.TemporaryDirectory(prefix="edgetrain-layer-") as scratch:
        folder = Path(scratch)
        install(lock, target, folder)
        files = _files(folder)
        kept = set(slim(files, keep))
        absent = [part for part in keep if not any(fnmatchcase(name, part) for name in kept)]
        if absent:
            raise LayerBuildFailed(
                f"{lock.name}: its wheels hold no {', '.join(absent)}: see RUNTIME_PARTS in {__file__}"
            )
        write_zip({SITE + name: path.read_bytes() for name, path in files.items() if name in kept}, archive)
    return archive


def _code_layer(cache: Path) -> Path:
    root = PROJECT / "edgetrain"
    missing = [name for name in CODE_MODULES if not (root / f"{name}.py").is_file()]
    missing += [name for name in CODE_PACKAGES if not (root / name / "__init__.py").is_file()]
    if missing:
        raise LayerBuildFailed(f"edgetrain lacks {', '.join(missing)}: the functions import them")
    sources = [root / f"{name}.py" for name in CODE_MODULES]
    for package in CODE_PACKAGES:
        sources += (root / package).rglob("*.py")
    entries = {f"{SITE}edgetrain/{path.relative_to(root).as_posix()}": path.read_bytes() for path in sources}
    archive = cache / f"code-{digest(entries)[:16]}.zip"
    if not archive.exists():
        write_zip(entries, archive)
    return archive


def _files(folder: Path) -> Mapping[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _key(lock: Path, target: Target) -> str:
    """What a layer of wheels is made from: the lock file, this builder, the target."""
    machine = sysconfig.get_platform() if target.name == "host" else ""
    total = hashlib.sha256(repr((target, machine)).encode())
    for source in (lock, *sorted(Path(__file__).parent.glob("*.py"))):
        total.update(source.read_bytes())
    return total.hexdigest()[:16]
