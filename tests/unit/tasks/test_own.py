"""Tasks of one's own: known by their file or by an installed package, and begun by `tasks new`."""

from pathlib import Path

import pytest

from edgetrain.errors import TaskInvalid, TaskNotFound, UsageError
from edgetrain.tasks.beginning import write_task
from edgetrain.tasks.building import build_program, load_or_build
from edgetrain.tasks.registry import get_task, name_of, task_names

TASK = """
from edgetrain.contracts import ClientSettings, TensorSpec
from edgetrain.tasks.base import Task

class Mine(Task):
    name = "mine"
    title = "Mine"
    x = TensorSpec(name="x", shape=(4,))
    labels = ("a", "b")
    client = ClientSettings()
    preprocessing = {}

    def models(self):
        return {}

    def load(self):
        raise NotImplementedError
"""
LINES = len(TASK.splitlines())


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a package that brings tasks: name -> what its entry point names."""

    def install(**points):
        record = tmp_path / "site" / "sensors-1.0.dist-info"
        record.mkdir(parents=True)
        (record / "METADATA").write_text("Metadata-Version: 2.1\nName: sensors\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (record / "entry_points.txt").write_text("\n".join(["[edgetrain.tasks]", *lines, ""]))
        monkeypatch.syspath_prepend(record.parent)

    return install


@pytest.fixture
def file(tmp_path):
    """A task's file with this text."""

    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return str(path)

    return write


def test_a_file_makes_its_task_known(file):
    path = file(TASK)
    assert (get_task(path).name, get_task(path).labels, name_of(path)) == ("mine", ("a", "b"), "mine")
    assert "mine" not in task_names()
    file(TASK.replace('("a", "b")', '("c", "d")'))
    assert get_task(path).labels == ("c", "d"), "a change is seen at once"


def test_a_relative_path_without_a_folder_is_a_file(file, monkeypatch):
    monkeypatch.chdir(Path(file(TASK)).parent)
    assert get_task("mine.py").name == "mine"


def test_a_name_is_not_looked_up_to_be_a_name():
    assert name_of("whatever-the-cloud-has") == "whatever-the-cloud-has"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\n", "defines no task: expected one class"),
        ("from edgetrain.tasks.digits import Digits\n", "defines no task: expected one class"),
        (TASK + TASK.replace("Mine", "Yours"), r"defines 2 tasks \(Mine, Yours\): expected one"),
        (TASK.replace("def load", "def other"), "class Mine has no load: expected models and load"),
        (
            TASK + "import a_package_of_nobody\n",
            f", line {LINES + 1} cannot be imported: ModuleNotFoundError: No module",
        ),
        (TASK + "1 / 0\n", f", line {LINES + 1} cannot be imported: ZeroDivisionError: division by zero"),
        ("def f():\n    raise ValueError\n\nf()\n", ", line 2 cannot be imported: ValueError"),
        ("x = 1\n(\n", r", line 2 cannot be imported: SyntaxError: '\(' was never closed"),
        ("raise SystemExit(3)\n", ", line 1 cannot be imported: SystemExit: 3"),
        (
            TASK.replace('"mine"', '"digits"'),
            "name of class Mine is 'digits', which is a task of Edgetrain: expected another",
        ),
        (TASK.replace('"mine"', '"my task"'), "name of class Mine is 'my task': expected 1 to 64 letters"),
        (TASK.replace('"mine"', '"mine\\n"'), "name of class Mine is .*: expected 1 to 64 letters"),
        (TASK.replace('    name = "mine"\n', ""), "class Mine has no name: expected 1 to 64 letters"),
        (TASK.replace('("a", "b")', '"ab"'), "labels of class Mine is 'ab': expected a tuple of strings"),
        (TASK.replace("ClientSettings()", "{}"), "client of class Mine is {}: expected ClientSettings"),
        (TASK.replace('TensorSpec(name="x", shape=(4,))', "(4,)"), r"x of class Mine is \(4,\): expected a TensorSpec"),
        (TASK + "    def __init__(self, size): ...\n", "class Mine cannot be made without arguments: TypeError"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_one_sentence(file, text, sentence):
    path = file(text)
    with pytest.raises(TaskInvalid, match=f"^{path}.*{sentence}"):
        get_task(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TaskNotFound, match=r"^there is no file .*mine\.py: expected"):
        get_task(str(tmp_path / "mine.py"))
    with pytest.raises(TaskNotFound, match="there is no file"):
        get_task(f"{tmp_path}/")


# --- installed packages


def test_an_entry_point_makes_its_task_known(plugin, file):
    plugin(starter="edgetrain.tasks.starter:OwnTask")
    assert task_names() == ("digits", "femnist", "starter")
    assert get_task("starter").labels == ("low", "middle", "high")
    with pytest.raises(TaskInvalid, match="'starter', which is a task of an installed package"):
        get_task(file(TASK.replace('"mine"', '"starter"')))


@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        ("a_package_of_nobody:Task", "cannot be imported: ModuleNotFoundError"),
        ("edgetrain.tasks.starter:Nothing", "cannot be imported: AttributeError"),
        ("edgetrain.tasks.splits:dirichlet", "is no task: expected a class"),
        ("edgetrain.tasks.base:Task", "is no task: expected a class"),
        ("edgetrain.tasks.starter:OwnTask", "its name is 'starter': expected that of the entry point"),
    ],
)
def test_an_entry_point_that_is_wrong(plugin, point, sentence):
    plugin(theirs=point)
    with pytest.raises(TaskInvalid, match=f"^entry point theirs = {point} of sensors.*{sentence}"):
        get_task("theirs")
    assert get_task("digits").name == "digits"


# --- a new one


def test_a_new_task_works_as_it_is(tmp_path):
    path = write_task("flowers", tmp_path / "mine.py")
    task = get_task(str(path))
    built = build_program(task)
    assert (built.task, built.model, built.spec.parameters) == ("flowers", "dense", 131)
    assert load_or_build(task, cache=tmp_path).files == built.files, "cached by the file's own source"
    data = task.load()
    assert (data.x.shape, data.test_x.shape, set(data.y)) == ((1000, 4), (200, 4), {0, 1, 2})
    assert f"edgetrain tasks build {path}" in path.read_text()
    assert "starter" not in path.read_text()


def test_a_new_task_goes_where_it_is_named_after(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(write_task("flowers")) == "flowers.py"
    before = (tmp_path / "flowers.py").read_bytes()
    with pytest.raises(UsageError, match=r"flowers\.py exists already"):
        write_task("flowers")
    assert (tmp_path / "flowers.py").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "out", "sentence"),
    [
        ("my task", None, "the task's name 'my task': expected 1 to 64"),
        ("", None, "the task's name '': expected 1 to 64"),
        ("digits", None, "the task's name is 'digits', which is a task of Edgetrain"),
        ("mine", "mine.txt", r"mine\.txt: expected a file that ends in \.py"),
        ("mine", "nowhere/mine.py", r"nowhere/mine\.py cannot be written: No such file or directory"),
    ],
)
def test_a_new_task_that_cannot_be(tmp_path, monkeypatch, name, out, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UsageError, TaskInvalid), match=sentence):
        write_task(name, None if out is None else tmp_path / out)
    assert list(tmp_path.iterdir()) == []
