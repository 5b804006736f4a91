"""The Dockerfile's own steps for `serve`, carried out in a fresh virtual environment and a folder of its own.

What this shows: the locked packages install, by their hashes; what is copied is all that the program imports; the entry point
starts, answers and ends as SageMaker wants it. What it does not show: the base image (its Python, its C library, its CA
certificates), the Linux user that the container runs as, and `docker build` itself with its caches and its platform.
"""

import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from edgetrain import keys
from edgetrain.local.place import LOOPBACK
from edgetrain.local.sagemaker.container import free_port
from edgetrain.local.sagemaker.dockerfile import entry_point, environment, stages
from stacks.packaging.serving import DOCKERFILE, build_serving, image_context
from tests.integration.serving.conftest import LABEL_PERSON
from tests.session_cloud import PROJECT
from tests.waiting import eventually

TARGET = "serve"


@dataclass(frozen=True)
class Image:
    """What the steps made: `/` of the container is `root`, its Python that of a virtual environment."""

    root: Path
    workdir: Path
    variables: dict[str, str]
    command: list[str]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    root = tmp_path_factory.mktemp("image")
    context = image_context(root / "contexts")
    stage = stages((context / DOCKERFILE).read_text())[TARGET]
    (workdir,) = (root / each.text.lstrip("/") for each in stage if each.word == "WORKDIR")
    workdir.mkdir(parents=True)
    venv.create(root / "venv", with_pip=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_", "VIRTUAL_ENV"))}
    path = os.pathsep.join([str(root / "venv" / "bin"), os.environ["PATH"]])
    variables = {**kept, "PATH": path, **environment(stage)}
    for step in stage:
        if step.word == "COPY":
            copy(context, workdir, step.arguments)
        elif step.word == "RUN":
            done = subprocess.run(
                ["/bin/sh", "-c", step.text], cwd=workdir, env=variables, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{step.text}: {done.stdout}{done.stderr}"
    program, *arguments = entry_point(stage)
    return Image(root, workdir, variables, [str(root / "venv" / "bin" / program), *arguments, TARGET])


def copy(context: Path, workdir: Path, arguments: list[str]) -> None:
    source, target = arguments
    if (context / source).is_dir():
        shutil.copytree(context / source, workdir / target)
    else:
        (workdir / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(context / source, workdir / target)


@dataclass(frozen=True)
class Container:
    """The program, running; `model` is its /opt/ml/model."""

    process: "subprocess.Popen[str]"
    url: str
    model: Path

    def invoke(self, body: bytes, **headers: str) -> requests.Response:
        return requests.post(
            f"{self.url}/invocations", data=body, headers={"Content-Type": "image/jpeg", **headers}, timeout=60
        )

    def ping(self) -> bool:
        try:
            return requests.get(f"{self.url}/ping", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Iterator[Container]:
    base, port = tmp_path / "ml", free_port()
    with tarfile.open(build_serving(["objects"]).first_models["objects"]) as archive:
        archive.extractall(base / "model", filter="data")
    told = {"EDGETRAIN_TASK": "objects", "SAGEMAKER_BIND_TO_PORT": str(port), "SERVE_HOST": LOOPBACK}
    process = subprocess.Popen(
        image.command,
        cwd=image.workdir,
        env={**image.variables, **told, "SAGEMAKER_BASE_DIR": str(base)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    made = Container(process, f"http://{LOOPBACK}:{port}", base / "model")
    try:
        eventually(lambda: made.ping() or process.poll() is not None, "it answers, or has ended")
        assert process.poll() is None, process.communicate()[0]
        yield made
    finally:
        process.kill()
        process.communicate()


def test_it_finds_a_person(container, photograph):
    answer = container.invoke(photograph)
    assert answer.status_code == 200, answer.text
    labels = json.loads((container.model / keys.DETECTOR_FILE).read_text())["labels"]
    assert labels[answer.json()["prediction"][0][0]] == LABEL_PERSON
    assert answer.headers["X-Amzn-SageMaker-Custom-Attributes"] == "task=objects;version=1"


def test_nothing_of_the_checkout_or_of_tensorflow_is_in_it(image, container, photograph):
    container.invoke(photograph)
    maps = Path(f"/proc/{container.process.pid}/maps").read_text()
    assert str(PROJECT / "edgetrain") not in maps
    assert "tensorflow" not in maps.replace("_pywrap_tensorflow_lite", "")
    assert not (image.workdir / "edgetrain" / "local").exists()


def test_what_is_under_way_is_answered_before_it_ends(container, photograph):
    """SIGTERM, as SageMaker and Docker send it."""
    answers: list[int] = []
    callers = [
        threading.Thread(target=lambda: answers.append(container.invoke(photograph).status_code)) for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    eventually(lambda: answers, "one is answered")
    container.process.send_signal(signal.SIGTERM)
    for caller in callers:
        caller.join()
    output, _ = container.process.communicate(timeout=30)
    assert container.process.returncode == 0
    assert answers == [200] * len(callers)
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [lines[0]["event"], lines[-1]["event"]] == ["ready", "stopped"]
    assert sum(line["event"] == "invocation" for line in lines) == len(callers)


@pytest.mark.parametrize(
    ("variables", "code", "word"),
    [
        ({"EDGETRAIN_TASK": ""}, 2, "EDGETRAIN_TASK"),
        ({"EDGETRAIN_TASK": "objects"}, 1, "detector.json"),
        (
            {
                "EDGETRAIN_TASK": "objects",
                "MODELS_BUCKET": "nowhere",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "anybody",
                "AWS_SECRET_ACCESS_KEY": "anything",
                "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:9",
            },
            1,
            "served.json",
        ),
    ],
)
def test_it_does_not_start_without_a_model(image, tmp_path, variables, code, word):
    """Least of all when nobody can say which version it is to serve."""
    done = subprocess.run(
        image.command,
        cwd=image.workdir,
        env={**image.variables, "SAGEMAKER_BASE_DIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert word in json.loads(done.stdout.splitlines()[-1])["error"]
