"""`edgetrain federate`: start a federated run, and follow it."""

from pathlib import Path
from typing import Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import federation
from edgetrain.cli.following import follow_to_the_end
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json
from edgetrain.cli.run_input import compose, parse_target

HOW_IT_GOES, HOW_CLIENTS_TRAIN, WHEN_A_ROUND_COUNTS = "The run", "How clients train", "When a round counts"
TASKS_OWN = "the task's own"


def federate(
    *,
    task: Annotated[
        str | None,
        typer.Option(help="The task (`edgetrain tasks list`), or the file of your own.", rich_help_panel=HOW_IT_GOES),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(help="Rounds to play.", show_default="10", rich_help_panel=HOW_IT_GOES)
    ] = None,
    clients_per_round: Annotated[
        int | None, typer.Option(help="Clients drawn for each round.", show_default="10", rich_help_panel=HOW_IT_GOES)
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="How updates become the next model.", show_default="fedavg", rich_help_panel=HOW_IT_GOES),
    ] = None,
    server_learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Step along the mean of the updates.", show_default="the strategy's", rich_help_panel=HOW_IT_GOES
        ),
    ] = None,
    weighting: Annotated[
        str | None,
        typer.Option(
            help="What an update weighs: its `examples`, or 1 (`uniform`).",
            show_default="examples",
            rich_help_panel=HOW_IT_GOES,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="METRIC=VALUE", help="Stop as soon as this is reached.", rich_help_panel=HOW_IT_GOES),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Draws the clients of each round.", show_default="0", rich_help_panel=HOW_IT_GOES),
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option(
            help="The run's id; one that exists is resumed.", show_default="made up", rich_help_panel=HOW_IT_GOES
        ),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="A run's input as JSON (docs/reference/run-input.md), `-` for standard input. Options are stronger.",
            rich_help_panel=HOW_IT_GOES,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over a client's data.", show_default=TASKS_OWN, rich_help_panel=HOW_CLIENTS_TRAIN),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Examples in a step.", show_default=TASKS_OWN, rich_help_panel=HOW_CLIENTS_TRAIN),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Step of SGD.", show_default=TASKS_OWN, rich_help_panel=HOW_CLIENTS_TRAIN)
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of SGD, instead of passes.", show_default=TASKS_OWN, rich_help_panel=HOW_CLIENTS_TRAIN
        ),
    ] = None,
    proximal_mu: Annotated[
        float | None,
        typer.Option(
            help="FedProx: pull towards the global model.", show_default=TASKS_OWN, rich_help_panel=HOW_CLIENTS_TRAIN
        ),
    ] = None,
    clip_norm: Annotated[
        float | None,
        typer.Option(
            help="Bound on the norm of a step's gradient.", show_default=TASKS_OWN, rich_help_panel=HOW_CLIENTS_TRAIN
        ),
    ] = None,
    min_clients: Annotated[
        int | None,
        typer.Option(
            help="Fewest accepted updates.", show_default="80 % of the clients", rich_help_panel=WHEN_A_ROUND_COUNTS
        ),
    ] = None,
    round_timeout: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS",
            help="Whoever is later does not count.",
            show_default="600",
            rich_help_panel=WHEN_A_ROUND_COUNTS,
        ),
    ] = None,
    max_concurrency: Annotated[
        int | None,
        typer.Option(
            help="Functions that train at the same time.", show_default="10", rich_help_panel=WHEN_A_ROUND_COUNTS
        ),
    ] = None,
    evaluation_clients: Annotated[
        int | None,
        typer.Option(
            help="Clients on whose own test parts each round's model is measured.",
            show_default="0",
            rich_help_panel=HOW_IT_GOES,
        ),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Start the run and leave it.")] = False,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Start a federated run and follow it.

    Ctrl-C leaves it going.
    """
    from edgetrain.tasks.registry import name_of

    given = compose(
        input_file,
        {
            "task": None if task is None else name_of(task),
            "rounds": rounds,
            "clients_per_round": clients_per_round,
            "strategy.name": strategy,
            "strategy.server_learning_rate": server_learning_rate,
            "strategy.weighting": weighting,
            "target": parse_target(target),
            "seed": seed,
            "run_id": run_id,
            "client.epochs": epochs,
            "client.batch_size": batch_size,
            "client.learning_rate": learning_rate,
            "client.steps": steps,
            "client.proximal_mu": proximal_mu,
            "client.clip_norm": clip_norm,
            "min_clients": min_clients,
            "round_timeout_seconds": round_timeout,
            "max_concurrency": max_concurrency,
            "evaluation_clients": evaluation_clients,
        },
    )
    from edgetrain.client.documents import StartedDocument
    from edgetrain.client.runs import start_run

    deployed = federation(cloud, data_dir)
    started = start_run(deployed, given)
    if not detach:
        follow_to_the_end(deployed, started, as_json=as_json)
        return
    if as_json:
        console.emit(StartedDocument(run_id=started.run_id, execution_arn=started.execution_arn))
    else:
        console.result(started.run_id)
        console.note(f"Follow it with `edgetrain runs follow {started.run_id}`.")
