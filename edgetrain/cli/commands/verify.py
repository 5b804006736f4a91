"""`edgetrain verify`: make a run's rounds again and say what is not what it was."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgetrain.cli import console
from edgetrain.cli.application import give_up
from edgetrain.cli.cloud import federation
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, RunArgument
from edgetrain.errors import RunNotVerified

if TYPE_CHECKING:
    from edgetrain.client.documents import VerifiedRunDocument
    from edgetrain.verification.findings import RunVerdict


def verify(
    run: RunArgument, *, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """Make every round of a run again from its updates, bit for bit, and check the chain of its records.

    Exit code 1 when anything is not what it was; each such object is named.
    """
    from edgetrain.verification.verify_run import verify_run

    deployed = federation(cloud, data_dir)
    with console.counting(f"making the rounds of {run} again") as progress:
        document = _document(verify_run(deployed.runs, deployed.models, run, progress))
    if as_json:
        console.emit(document)
    else:
        _show(document)
    if not document.verified:
        count = len(document.findings)
        first = document.findings[0].message if document.findings else "a round could not be made again"
        raise give_up(
            RunNotVerified(f"run {run!r} is not what it was ({count} finding{'' if count == 1 else 's'}): {first}")
        )


def _document(verdict: "RunVerdict") -> "VerifiedRunDocument":
    from edgetrain.client.documents import FindingDocument, VerifiedRound, VerifiedRunDocument

    return VerifiedRunDocument(
        run_id=verdict.run_id,
        verified=verdict.verified,
        chained=verdict.chained,
        head_sha256=verdict.head_sha256,
        rounds=tuple(VerifiedRound(**asdict(each)) for each in verdict.rounds),
        findings=tuple(FindingDocument(**asdict(each)) for each in verdict.findings),
    )


def _show(document: "VerifiedRunDocument") -> None:
    if document.rounds:
        rows = [
            (
                each.round,
                each.updates,
                "the same bits" if each.recomputed else "NOT MADE AGAIN",
                "chained" if each.chained else "no chain",
                each.closed_sha256,
            )
            for each in document.rounds
        ]
        console.table(
            ("round", "updates", "made again", "chain", "SHA-256 of closed.json"), rows, right=("round", "updates")
        )
    else:
        console.note("No round of this run is closed: there is nothing to make again.")
    for each in document.findings:
        console.result(
            f"{each.code}: {each.message}" if each.round is None else f"round {each.round}: {each.code}: {each.message}"
        )
    if document.verified and document.rounds:
        console.result(f"verified: {len(document.rounds)} rounds, head {document.head_sha256}")
        if not document.chained:
            console.note(
                "Some rounds were closed before there was a chain of records: an altered cohort or sealed list may not show."
            )
