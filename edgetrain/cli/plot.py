"""The picture of a run: accuracy and loss of the global model after each round."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgetrain.client.documents import RoundDocument

#: Of the palette of Okabe and Ito, which readers with any colour vision can tell apart.
FEDERATED, CENTRAL, AIM = "#0072B2", "#D55E00", "#767676"
#: Nothing random and no date: the same run gives the same bytes.
SETTINGS = {
    "svg.hashsalt": "edgetrain",
    "svg.fonttype": "path",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def draw_rounds(
    rounds: "Sequence[RoundDocument]",
    folder: Path,
    *,
    title: str,
    held_out: int,
    aim: float,
    central: dict[str, float],
) -> tuple[Path, Path]:
    """Write `rounds.png` and `rounds.svg`; their paths.

    `aim` and `central["accuracy"]` are fractions of the `held_out` examples that are classified rightly, `central["loss"]` is
    in nats; they are drawn as lines beside the federation's.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        figure.suptitle(title, fontsize=13)
        accuracy, loss = figure.subplots(1, 2)
        _accuracy(accuracy, rounds, aim, central)
        accuracy.set_ylabel(f"accuracy on {held_out} held-out examples (%)")
        _loss(loss, rounds, central)
        paths = folder / "rounds.png", folder / "rounds.svg"
        for path in paths:
            kind = path.suffix.removeprefix(".")
            figure.savefig(path, dpi=150, facecolor="white", metadata=METADATA[kind])
    return paths


def _accuracy(axes: Any, rounds: "Sequence[RoundDocument]", aim: float, central: dict[str, float]) -> None:
    known = [(each.round, 100 * each.accuracy) for each in rounds if each.accuracy is not None]
    last, value = known[-1]
    label = f"federated ({value:.1f} % after round {last})"
    axes.plot(*zip(*known, strict=True), color=FEDERATED, marker="o", label=label, zorder=3)
    if "accuracy" in central:
        label = f"central, pooled data ({100 * central['accuracy']:.1f} %)"
        axes.axhline(100 * central["accuracy"], color=CENTRAL, linestyle="--", label=label)
    axes.axhline(100 * aim, color=AIM, linestyle=":", label=f"aim ({100 * aim:.0f} %)")
    axes.set_ylim(0, 102)
    _finish(axes, "lower right")


def _loss(axes: Any, rounds: "Sequence[RoundDocument]", central: dict[str, float]) -> None:
    known = [(each.round, each.loss) for each in rounds if each.loss is not None]
    axes.plot(*zip(*known, strict=True), color=FEDERATED, marker="o", label="federated, held-out", zorder=3)
    trained = [(each.round, each.train_loss) for each in rounds if each.train_loss is not None]
    if trained:
        label = "federated, clients in training"
        axes.plot(*zip(*trained, strict=True), color=FEDERATED, marker=".", linestyle=":", label=label)
    if "loss" in central:
        axes.axhline(central["loss"], color=CENTRAL, linestyle="--", label=f"central, held-out ({central['loss']:.2f})")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("cross-entropy loss (nats)")
    _finish(axes, "upper right")


def _finish(axes: Any, corner: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("round")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc=corner, framealpha=0.9, edgecolor="none")
