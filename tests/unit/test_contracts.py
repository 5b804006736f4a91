"""Messages: frozen, closed, the same after a journey through JSON."""

import inspect
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edgetrain import contracts, limits
from edgetrain.contracts import (
    ClientData,
    ClientOverrides,
    ClientSettings,
    ClosedRound,
    Cohort,
    Contract,
    ModelPointer,
    NumberFormat,
    Receipt,
    Refusal,
    RunInput,
    SealedRound,
    Target,
    TensorSpec,
    Tile,
    TileResult,
    UpdateEntry,
)

ALL = [each for _, each in inspect.getmembers(contracts, inspect.isclass) if issubclass(each, Contract)]
SHA = "0123456789abcdef" * 4
POINTER = ModelPointer(key="runs/r/globals/00000.safetensors", sha256=SHA)
MEMBER = ClientData(client="c", key="k", num_examples=5, sha256=SHA)
FORMAT = NumberFormat(cohort_size=1, max_abs_delta=8.0, max_examples=2**20, fraction_bits=27)
RECEIPT = Receipt(
    run_id="r", round=1, client="c", key="k", version_id="v", sha256=SHA, size=9, num_examples=5, loss=0.1
)
REFUSAL = Refusal(run_id="r", round=1, client="d", error="UpdateLate", message="late")
TILE = Tile(index=0, start=0, stop=1)

RECORDS: list[Contract] = [
    RunInput(task="digits", target=Target(metric="accuracy", value=0.95), run_id="r"),
    Cohort(run_id="r", round=1, clients=(MEMBER,), base=POINTER, number_format=FORMAT, started_at=1.5),
    SealedRound(run_id="r", round=1, accepted=(RECEIPT,), refused=(REFUSAL,), tiles=(TILE,), sealed_at=2.5),
    TileResult(
        tile=TILE, key="k", version_id="v", sha256=SHA, examples=5, weight=5, accepted=("c",), refused=(REFUSAL,)
    ),
    ClosedRound(
        round=1,
        base=POINTER,
        next=POINTER,
        updates=(UpdateEntry(client="c", key="k", version_id="v", sha256=SHA, num_examples=5),),
        refused=(REFUSAL,),
        examples=5,
        train_loss=None,
        started_at=1.5,
        closed_at=3.25,
    ),
]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_contract_is_frozen_and_closed(kind: type[Contract]) -> None:
    assert kind.model_config.get("frozen") is True
    assert kind.model_config.get("extra") == "forbid"
    assert kind.__doc__ is not None


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_survives_its_journey(record: Contract) -> None:
    assert type(record).model_validate_json(record.model_dump_json()) == record
    assert type(record).model_validate(json.loads(json.dumps(record.model_dump(mode="json")))) == record


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_bits(value: float) -> None:
    receipt = RECEIPT.model_copy(update={"loss": value})
    again = Receipt.model_validate_json(receipt.model_dump_json())
    assert again.loss is not None
    assert math.copysign(1, again.loss) == math.copysign(1, value)
    assert again.loss == value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_number_is_not_a_number(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Receipt(**{**RECEIPT.model_dump(), "loss": value})


@pytest.mark.parametrize("identifier", ["", "a/b", "../x", ".x", "-x", "a b", "a\n", "ä", "a" * 65])
def test_ids_cannot_bend_a_key(identifier: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        Receipt(**{**RECEIPT.model_dump(), "client": identifier})


@pytest.mark.parametrize("sha", ["", SHA[:-1], SHA.upper(), SHA + "0", "g" * 64])
def test_a_sha256_is_64_hex_digits(sha: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        ModelPointer(key="k", sha256=sha)


@pytest.mark.parametrize(
    "fields",
    [
        {"rounds": 0},
        {"rounds": limits.MAX_ROUNDS + 1},
        {"clients_per_round": limits.MAX_COHORT + 1},
        {"min_clients": 0},
        {"clients_per_round": 3, "min_clients": 4},
        {"max_examples": 2**21},
        {"seed": 2**63},
        {"unknown": 1},
    ],
)
def test_an_input_out_of_its_limits(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RunInput(**{"task": "digits", **fields})


def test_overrides_are_laid_over_the_tasks_own() -> None:
    own = ClientSettings(epochs=5, batch_size=20, learning_rate=0.1)
    assert ClientOverrides(epochs=2).over(own) == ClientSettings(epochs=2, batch_size=20, learning_rate=0.1)
    assert ClientOverrides().over(own) == own


@pytest.mark.parametrize(
    ("tasks_own", "given", "expected"),
    [
        ({"steps": 9}, {"epochs": 2}, {"epochs": 2, "steps": None}),
        ({"epochs": 5}, {"steps": 9}, {"epochs": 5, "steps": 9}),
        ({"full_batch": True}, {"steps": 9}, {"steps": 9, "full_batch": False}),
        ({"full_batch": True}, {"batch_size": 3}, {"batch_size": 3, "full_batch": False}),
        ({"full_batch": True}, {"learning_rate": 1}, {"learning_rate": 1, "full_batch": True}),
        ({"steps": 9}, {"full_batch": True}, {"full_batch": True}),
        ({"proximal_mu": 0.5}, {"proximal_mu": 0}, {"proximal_mu": 0}),
    ],
)
def test_what_is_given_takes_the_place_of_what_it_contradicts(
    tasks_own: dict[str, Any], given: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = ClientOverrides(**given).over(ClientSettings(**tasks_own))
    assert found.model_dump(include=set(expected)) == expected


@pytest.mark.parametrize(
    ("metric", "value", "metrics", "reached"),
    [
        ("accuracy", 0.9, {"accuracy": 0.9}, True),
        ("accuracy", 0.9, {"accuracy": 0.89}, False),
        ("loss", 0.5, {"loss": 0.5}, True),
        ("loss", 0.5, {"loss": 0.51}, False),
        ("accuracy", 0.0, {"loss": 1.0}, False),
    ],
)
def test_a_target_is_reached(metric: str, value: float, metrics: dict[str, float], reached: bool) -> None:
    assert Target(metric=metric, value=value).reached_by(metrics) is reached


def test_a_member_of_a_cohort() -> None:
    cohort = RECORDS[1]
    assert isinstance(cohort, Cohort)
    assert cohort.member("c") == MEMBER
    assert cohort.member("d") is None


@pytest.mark.parametrize(("shape", "size"), [((), 1), ((3,), 3), ((2, 3), 6), ((2, 0), 0)])
def test_the_size_of_a_tensor(shape: tuple[int, ...], size: int) -> None:
    assert TensorSpec(name="w", shape=shape).size == size
