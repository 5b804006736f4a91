"""`edgetrain demo`: a whole federation on this machine, from nothing to a published model and a plot."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgetrain.cli import console
from edgetrain.cli.application import give_up
from edgetrain.cli.cloud import deploy_application, start_cloud, stop_cloud
from edgetrain.cli.following import watch, why_it_failed
from edgetrain.cli.interrupts import signals_interrupt
from edgetrain.cli.options import Json
from edgetrain.cli.steps import Say, Steps
from edgetrain.errors import AccuracyTooLow, CloudAlreadyRunning, Interrupted

if TYPE_CHECKING:
    from edgetrain.client.documents import ImportDocument, RunDocument, TrainDocument
    from edgetrain.client.federation import Federation
    from edgetrain.local.process import RunningCloud

TASK: Final = "digits"
#: Of the application, what a federation needs; what it depends on comes with it.
STACKS: Final = ("EdgetrainFederated",)
CLIENTS, ALPHA, SEED, ROUNDS = 20, 0.3, 0, 10
#: What the demonstration promises, on the held-out part.
AIM: Final = 0.90
FREE_PORT: Final = 0
#: What lies in the folder afterwards (and CLOUD meanwhile).
SUMMARY, REFERENCE, MODEL, CLOUD = "summary.json", "reference.json", "model", "cloud"

NEXT: Final = """\
Try next: a cloud that stays, more clients that are less alike, and twice the rounds:
  edgetrain up --detach
  edgetrain data import --task digits --clients 50 --alpha 0.1
  edgetrain federate --task digits --rounds 20 --clients-per-round 15
  edgetrain models download digits
  edgetrain down"""


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Write plot, summary and model here.")] = Path("build/demo"),
    as_json: Json = False,
) -> None:
    """See a whole federation on this machine.

    Starts a cloud of its own, deploys into it, spreads real handwriting unevenly over 20 clients, plays 10 rounds and draws
    how accuracy climbs. A cloud that runs already is not disturbed.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with signals_interrupt():
            imported, reference, run = play(out.absolute())
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted: the demonstration's cloud is taken down") from error
    accuracy = run.rounds[-1].accuracy or 0.0
    missed = None
    if accuracy < AIM:
        missed = AccuracyTooLow(
            f"the federation reached {100 * accuracy:.1f} % on held-out digits: expected at least {100 * AIM:.0f} %"
        )
    if as_json:
        console.emit(run)
    if missed is not None:
        raise give_up(missed) if as_json else missed
    say = console.note if as_json else console.result
    say(
        f"After {len(run.rounds)} rounds the federation reads {100 * accuracy:.1f} % of {imported.test_examples} held-out "
        f"digits; the same network, trained centrally on the pooled data, {100 * reference.metrics['accuracy']:.1f} %."
    )
    say(f"The plot is {out}/rounds.png, every round with its S3 keys {out}/summary.json, the model {out}/model/.\n")
    say(NEXT)


def play(out: Path) -> "tuple[ImportDocument, TrainDocument, RunDocument]":
    """All steps; what is left is in `out`. No process is left when it ends, however it ends."""
    from edgetrain.cli.reference import LOG, central_training
    from edgetrain.client.connection import Connection
    from edgetrain.client.federation import connect

    steps = Steps(6)
    with ExitStack() as running:
        # The second core has nothing to do until the rounds begin.
        central = running.enter_context(central_training(TASK, out / "central", out / LOG))
        with steps.step("Start an embedded cloud of its own") as say:
            cloud = running.enter_context(fresh_cloud(out / CLOUD))
            say(f"{cloud.endpoint}, state in {cloud.data_dir}")
        with steps.step("Synthesise the CDK application and deploy it") as say:
            for name, status in deploy_application(cloud.endpoint, say, only=STACKS).items():
                say(f"{name}: {status}")
        federation = connect(Connection.embedded(cloud.endpoint))
        with steps.step(f"Spread real handwriting unevenly over {CLIENTS} clients") as say:
            imported = spread(federation, say)
        with steps.step("Train centrally on the pooled data, to compare") as say:
            reference = central.result()
            say(f"accuracy {100 * reference.metrics['accuracy']:.1f} %, trained beside the steps above")
        with steps.step(f"Train {ROUNDS} rounds with the deployed state machine", draws=True):
            run = train(federation)
        with steps.step("Draw the plot and fetch the published model") as say:
            say(keep(out, federation, imported, reference, run))
    shutil.rmtree(out / CLOUD, ignore_errors=True)
    console.note("The cloud is taken down.\n")
    return imported, reference, run


@contextmanager
def fresh_cloud(folder: Path) -> "Iterator[RunningCloud]":
    """A cloud on an empty data directory and a free port.

    Raises:
        CloudAlreadyRunning: another demonstration plays there; it goes on.
    """
    from edgetrain.local import process

    running = process.status(folder)
    if running is not None:
        raise CloudAlreadyRunning(
            f"another demonstration plays in {folder} (process {running.pid}): wait for it, or choose another --out"
        )
    shutil.rmtree(folder, ignore_errors=True)
    cloud = start_cloud(folder, FREE_PORT)
    try:
        yield cloud
    finally:
        stop_cloud(folder)


def spread(federation: "Federation", say: Say) -> "ImportDocument":
    """Data and program in the cloud."""
    from edgetrain.client.data import Split
    from edgetrain.client.importing import import_task
    from edgetrain.tasks.registry import get_task

    split = Split(clients=CLIENTS, alpha=ALPHA, seed=SEED)
    document = import_task(federation, get_task(TASK), split, progress=say)
    sizes = document.examples_per_client.values()
    say(f"{document.examples:,} images, {min(sizes)} to {max(sizes)} each; {document.test_examples} held out")
    return document


def train(federation: "Federation") -> "RunDocument":
    """The run with the task's own settings.

    Raises:
        EdgetrainError: it did not succeed, with the run's own typed error.
    """
    from edgetrain.client.runs import read_run, start_run

    started = start_run(federation, {"task": TASK, "rounds": ROUNDS})
    ended = watch(federation, started, console.stderr())
    if ended.status != "SUCCEEDED":
        raise why_it_failed(federation, started)
    return read_run(federation, started.run_id)


def keep(
    out: Path, federation: "Federation", imported: "ImportDocument", reference: "TrainDocument", run: "RunDocument"
) -> str:
    """Plot, summary and model in `out`; what is where, in a sentence."""
    from edgetrain.cli.plot import draw_rounds
    from edgetrain.client.models import download_model, find_model

    (out / SUMMARY).write_text(console.as_json(run))
    (out / REFERENCE).write_text(console.as_json(reference))
    draw_rounds(
        run.rounds,
        out,
        title=f"Federated training of {TASK}: {CLIENTS} clients, Dirichlet {ALPHA}, {run.input.clients_per_round} a round",
        held_out=imported.test_examples,
        aim=AIM,
        central=reference.metrics,
    )
    manifest = find_model(federation, TASK, run.model.version)
    download_model(federation, manifest, out / MODEL)
    return f"{TASK} version {manifest.version} in {out / MODEL}"
