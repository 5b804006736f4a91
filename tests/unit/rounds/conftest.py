"""A federation in memory: ten clients of the toy task, and the steps bound to it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.contracts import (
    AggregateTileRequest,
    ClientBatch,
    ClientData,
    ClosedRound,
    Cohort,
    Contract,
    DataIndex,
    DatasetPointer,
    FileEntry,
    ProgramPointer,
    Receipt,
    RoundRequest,
    RunPosition,
    SealedRound,
    SelectedCohort,
    StartRunRequest,
    TileResult,
    TrainClientRequest,
)
from edgetrain.federated import weights
from edgetrain.rounds.aggregate_tile import aggregate_tile
from edgetrain.rounds.close_round import close_round
from edgetrain.rounds.evaluate_model import evaluate_model
from edgetrain.rounds.seal_round import seal_round
from edgetrain.rounds.select_clients import select_clients
from edgetrain.rounds.start_run import start_run
from edgetrain.rounds.stores import RoundStores
from edgetrain.rounds.train_client import train_client
from edgetrain.stores.base import read_record
from tests.unit.fakes.programs import SPEC, ToyPrograms
from tests.unit.fakes.stores import MemoryLedger, MemoryStore, memory_stores

ARN = "arn:aws:states:eu-west-1:123456789012:execution:FederatedTraining:"
RUN = "run-1"


@dataclass
class Federation:
    """Stores, programs and a clock that stands still unless it is moved."""

    stores: RoundStores = field(default_factory=memory_stores)
    programs: ToyPrograms = field(default_factory=ToyPrograms)
    now: float = 1_000_000.0

    def clock(self) -> float:
        return self.now

    @property
    def runs(self) -> MemoryStore:
        assert isinstance(self.stores.runs, MemoryStore)
        return self.stores.runs

    @property
    def ledger(self) -> MemoryLedger:
        assert isinstance(self.stores.ledger, MemoryLedger)
        return self.stores.ledger

    # --- the steps

    def start(self, name: str = RUN, **given: Any) -> RunPosition:
        return start_run(
            self.stores,
            StartRunRequest(
                execution_arn=ARN + name, execution_name=name, input={"task": "toy", "clients_per_round": 6, **given}
            ),
            clock=self.clock,
        )

    def select(self, number: int = 1, run_id: str = RUN) -> SelectedCohort:
        return select_clients(self.stores, RoundRequest(run_id=run_id, round=number), clock=self.clock)

    def train(self, clients: Iterable[str], number: int = 1, deadline: float | None = None) -> dict[str, int]:
        request = TrainClientRequest(
            run_id=RUN,
            round=number,
            batch=ClientBatch(index=0, clients=tuple(clients)),
            deadline=self.now + 60 if deadline is None else deadline,
        )
        return train_client(self.stores, self.programs, request, clock=self.clock)  # type: ignore[arg-type]

    def seal(self, number: int = 1) -> tuple[int, ...]:
        return seal_round(self.stores, RoundRequest(run_id=RUN, round=number), clock=self.clock).tiles

    def aggregate(self, tile: int = 0, number: int = 1) -> dict[str, int]:
        return aggregate_tile(self.stores, AggregateTileRequest(run_id=RUN, round=number, tile=tile))

    def close(self, number: int = 1) -> dict[str, int]:
        return close_round(self.stores, RoundRequest(run_id=RUN, round=number), clock=self.clock)

    def evaluate(self, number: int = 1) -> RunPosition:
        request = RoundRequest(run_id=RUN, round=number)
        return evaluate_model(self.stores, self.programs, request, clock=self.clock)  # type: ignore[arg-type]

    def play(self, number: int = 1) -> RunPosition:
        self.select(number)
        self.train(self.cohort(number), number)
        for tile in self.seal(number):
            self.aggregate(tile, number)
        self.close(number)
        return self.evaluate(number)

    # --- what lies in the stores

    def record(self, key: str, kind: type[Contract]) -> Any:
        return read_record(self.stores.runs, key, kind)

    def cohort(self, number: int = 1) -> tuple[str, ...]:
        return tuple(member.client for member in self.cohort_record(number).clients)

    def cohort_record(self, number: int = 1) -> Cohort:
        return self.record(keys.cohort(RUN, number), Cohort)

    def sealed(self, number: int = 1) -> SealedRound:
        return self.record(keys.sealed_round(RUN, number), SealedRound)

    def tile(self, tile: int = 0, number: int = 1) -> TileResult:
        return self.record(keys.tile_result(RUN, number, tile), TileResult)

    def closed(self, number: int = 1) -> ClosedRound:
        return self.record(keys.closed_round(RUN, number), ClosedRound)

    def model(self, number: int = 1) -> bytes:
        return self.runs.get(keys.global_model(RUN, number))

    def refusals(self, number: int = 1) -> dict[str, str]:
        """Client -> error, as the ledger has it."""
        return {row.client: row.error for row in self.ledger.refusals(RUN, number)}

    # --- somebody else's updates

    def metadata(self, client: str, number: int = 1, /, **changes: str) -> dict[str, str]:
        cohort = self.cohort_record(number)
        member = cohort.member(client)
        assert member is not None
        said = weights.update_metadata(
            run_id=RUN,
            round_number=number,
            client=client,
            base_sha256=cohort.base.sha256,
            num_examples=member.num_examples,
        )
        return said | changes

    def send(self, client: str, body: bytes, number: int = 1, **changes: Any) -> Receipt:
        """Store an update and its receipt, as a client that is not ours would."""
        member = self.cohort_record(number).member(client)
        assert member is not None
        stored = self.runs.put(keys.update(RUN, number, client), body)
        receipt = Receipt(
            run_id=RUN,
            round=number,
            client=client,
            key=stored.key,
            version_id=stored.version_id,
            sha256=stored.sha256,
            size=stored.size,
            num_examples=member.num_examples,
            loss=0.5,
        )
        return self.ledger.put_receipt(receipt.model_copy(update=changes))

    def update(self, client: str, value: float = 0.25, /, **changes: str) -> bytes:
        """A good update: the same delta everywhere."""
        tensors = {spec.name: np.full(spec.shape, value, np.float32) for spec in SPEC.weights}
        return weights.encode(tensors, self.metadata(client, **changes))


@pytest.fixture
def federation() -> Federation:
    """Data, program and nothing else: no run was started."""
    world = Federation()
    put_data(world.stores, clients=10)
    put_program(world.stores)
    return world


@pytest.fixture
def started(federation: Federation) -> Federation:
    """The first round's clients are selected: six of ten, quorum five, two tiles at least."""
    federation.start(updates_per_tile=3)
    federation.select()
    return federation


def put_program(stores: RoundStores, program_id: str = "p1", scale: float = 0.125) -> None:
    rng = np.random.default_rng(1)
    initial = {spec.name: np.float32(scale * rng.standard_normal(spec.shape)) for spec in SPEC.weights}
    bodies = {
        keys.WEIGHTS_FILE: weights.encode(initial),
        keys.PROGRAM_FILE: b"program",
        keys.SPEC_FILE: SPEC.model_dump_json().encode(),
    }
    files = []
    for name, body in bodies.items():
        key = keys.program_file("toy", program_id, name)
        stores.models.put_once(key, body)
        files.append(FileEntry(name=name, key=key, sha256=hashlib.sha256(body).hexdigest(), size=len(body)))
    pointer = ProgramPointer(task="toy", program_id=program_id, files=tuple(files))
    stores.models.put(keys.program_pointer("toy"), pointer.model_dump_json().encode())


def put_data(stores: RoundStores, clients: int) -> None:
    rng = np.random.default_rng(2)

    def examples(count: int) -> bytes:
        x = rng.standard_normal((count, 3)).astype(np.float32)
        return weights.encode({"x": x, "label": (x.sum(1) > 0).astype(np.int32)})

    def put_test(client: str, number: int) -> ClientData:
        """Of a generator of their own, so that the training data are what they were."""
        x = np.random.default_rng([2, number]).standard_normal((number, 3)).astype(np.float32)
        body = weights.encode({"x": x, "label": (x.sum(1) > 0).astype(np.int32)})
        key = keys.client_test_data("toy", "d1", client)
        stores.data.put(key, body)
        return ClientData(client=client, key=key, num_examples=number, sha256=hashlib.sha256(body).hexdigest())

    members = []
    for i in range(clients):
        name, count = f"client-{i:02d}", 3 + i
        body, key = examples(count), keys.client_data("toy", "d1", name)
        stores.data.put(key, body)
        sha256 = hashlib.sha256(body).hexdigest()
        members.append(ClientData(client=name, key=key, num_examples=count, sha256=sha256))
    test, key = examples(40), keys.test_data("toy", "d1")
    stores.data.put(key, test)
    index = DataIndex(
        task="toy",
        dataset_id="d1",
        clients=tuple(members),
        # The first client has none.
        client_tests=tuple(put_test(member.client, number) for number, member in enumerate(members) if number),
        test=FileEntry(name="test", key=key, sha256=hashlib.sha256(test).hexdigest(), size=len(test)),
        test_examples=40,
    )
    stores.data.put(keys.dataset_index("toy", "d1"), index.model_dump_json().encode())
    pointer = DatasetPointer(task="toy", dataset_id="d1", index_key=keys.dataset_index("toy", "d1"))
    stores.data.put(keys.dataset_pointer("toy"), pointer.model_dump_json().encode())
