"""What an assembly is made from, and how folders of it are zipped."""

import os

from edgetrain.local.assembly import SOURCES, source_hash
from edgetrain.local.deployment import _content
from stacks.packaging.layers import CODE_MODULES, CODE_PACKAGES


def test_every_part_of_the_functions_layer_is_a_source():
    assert {f"edgetrain/{name}.py" for name in CODE_MODULES} <= set(SOURCES)
    assert {f"edgetrain/{name}/**/*.py" for name in CODE_PACKAGES} <= set(SOURCES)


def test_the_hash_is_of_this_checkout():
    assert source_hash() == source_hash()


def test_a_folder_is_zipped_the_same_way_every_time(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "sub").mkdir(parents=True)
        names = ["z.py", "a.py", "sub/m.py"]
        for name in names if folder == "a" else reversed(names):
            (tmp_path / folder / name).write_text(name)
    os.utime(tmp_path / "b" / "z.py", (0, 0))
    assert _content(tmp_path / "a", "zip") == _content(tmp_path / "b", "zip")
