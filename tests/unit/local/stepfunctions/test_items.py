"""Where a Distributed Map's items come from (JSON lines, CSV, a bucket's objects), and ItemBatcher."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.fakes.stepfunctions import ROLE, Bench, ServiceError, failed, one_state
from tests.unit.local.stepfunctions.test_map_runs import children, distributed, map_run, reader

BATCHED = {"FunctionName": "f", "Payload.$": "$"}


def read(bench: Bench, body: bytes, given: Any = None, **config: Any) -> Any:
    """The output of a map over an object with this content, and the execution's end."""
    bench.cloud.objects["runs", "k"] = body
    return bench.run(one_state(**distributed(ItemReader=reader(**config))), {"key": "k", **(given or {})})


def test_json_lines(bench: Bench) -> None:
    body = '{"a": 1}\n\n[2]\r\n"\u2028"\n  \n3'.encode()
    assert read(bench, body, InputType="JSONL").output == [{"a": 1}, [2], "\u2028", 3]
    assert read(bench, body, {"m": 2}, InputType="JSONL", MaxItemsPath="$.m").output == [{"a": 1}, [2]]


@pytest.mark.parametrize(
    ("body", "config", "items"),
    [
        (b"a,b\n1,2\n3,4\n", {}, [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n", {}, [{"a": "1", "b": "2"}]),
        (b'a,b\n"x, ""y""\nz",2', {}, [{"a": 'x, "y"\nz', "b": "2"}]),
        (b"a,b\n1\n1,2,3\n", {}, [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]),
        (b"a,b\n", {}, []),
        (b"", {}, []),
        (b"1,2\n", {"CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x", "y", "z"]}, [{"x": "1", "y": "2", "z": ""}]),
        (b"a;b\n1,5;2", {"CSVDelimiter": "SEMICOLON"}, [{"a": "1,5", "b": "2"}]),
        (b"a|b\n1|2", {"CSVDelimiter": "PIPE"}, [{"a": "1", "b": "2"}]),
        (b"a\tb\n1\t2", {"CSVDelimiter": "TAB"}, [{"a": "1", "b": "2"}]),
        (b"a b\n1 2", {"CSVDelimiter": "SPACE"}, [{"a": "1", "b": "2"}]),
        (b"a,b\n1,2\n3,4\n", {"MaxItems": 1}, [{"a": "1", "b": "2"}]),
    ],
)
def test_rows_of_a_csv(bench: Bench, body: bytes, config: dict[str, Any], items: list[Any]) -> None:
    assert read(bench, body, **{"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", **config}).output == items


@pytest.mark.parametrize(
    ("body", "config", "cause"),
    [
        (b"{}\n{", {"InputType": "JSONL"}, "s3://runs/k is no JSONL"),
        (b"NaN", {"InputType": "JSONL"}, "s3://runs/k is no JSONL"),
        (b"a\n\xff", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "s3://runs/k is no CSV"),
        (b'a\n"b', {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "s3://runs/k is no CSV"),
    ],
)
def test_what_is_not_what_it_should_be(bench: Bench, body: bytes, config: dict[str, Any], cause: str) -> None:
    outcome = read(bench, body, **config)
    assert outcome.error == "States.ItemReaderFailed"
    assert cause in str(outcome.cause)


# --- the objects of a bucket


def listing(**fields: Any) -> dict[str, Any]:
    parameters = {"Bucket": "b", "Prefix.$": "$.prefix"}
    return distributed(ItemReader={"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": parameters, **fields})


def page(*keys: str, following: str | None = None) -> dict[str, Any]:
    at = datetime.fromtimestamp(1_600_000_000, UTC)
    contents = [{"Key": key, "Size": 3, "ETag": '"e"', "LastModified": at, "StorageClass": "STANDARD"} for key in keys]
    more = {} if following is None else {"NextContinuationToken": following}
    return {"Contents": contents, "IsTruncated": following is not None, **more}


def test_the_objects_of_a_bucket_page_by_page(bench: Bench) -> None:
    pages = {None: page("p/1", "p/2", following="t"), "t": page("p/3")}
    bench.cloud.services["s3", "listObjectsV2"] = lambda asked: pages[asked.get("ContinuationToken")]
    outcome = bench.run(one_state(**listing()), {"prefix": "p/"})
    assert [item["Key"] for item in outcome.output] == ["p/1", "p/2", "p/3"]
    assert outcome.output[0] == {
        "Etag": '"e"', "Key": "p/1", "LastModified": 1_600_000_000, "Size": 3, "StorageClass": "STANDARD",
    }  # fmt: skip
    assert bench.cloud.asked[0] == ("s3", "listObjectsV2", {"Bucket": "b", "Prefix": "p/"}, ROLE)
    bench.cloud.asked.clear()
    outcome = bench.run(one_state(**listing(ReaderConfig={"MaxItems": 1})), {"prefix": "p/"})
    assert [item["Key"] for item in outcome.output] == ["p/1"]
    assert len(bench.cloud.asked) == 1


def test_a_bucket_without_objects_and_one_that_is_not_there(bench: Bench) -> None:
    bench.cloud.services["s3", "listObjectsV2"] = lambda _: {"IsTruncated": False}
    assert bench.run(one_state(**listing()), {"prefix": ""}).output == []

    def refuses(_: Any) -> Any:
        raise ServiceError("NoSuchBucket", "It is not there.", status_code=404)

    bench.cloud.services["s3", "listObjectsV2"] = refuses
    outcome = bench.run(one_state(**listing()), {"prefix": "p"})
    assert outcome.error == "States.ItemReaderFailed"
    assert str(outcome.cause).endswith("Error Code: NoSuchBucket, Bucket: b, Prefix: p)")


def test_what_was_read_once_is_what_the_map_goes_on_with(bench: Bench) -> None:
    bench.cloud.objects["runs", "k"] = b"[1, 2, 3]"
    state = {"Type": "Wait", "Seconds": 5}
    arn = bench.start(one_state(**distributed(state, ItemReader=reader(), MaxConcurrency=1)), {"key": "k"})
    bench.clock.until_asked(1)
    bench.cloud.objects["runs", "k"] = b"[7]"
    again = bench.reopened()
    try:
        for waits in (1, 2, 3):
            again.clock.until_asked(waits)
            again.clock.advance(5)
        assert again.ended(arn).output == [1, 2, 3]
        assert len(bench.cloud.reads) == 1
    finally:
        again.engine.close()


# --- batches


def batched(batcher: dict[str, Any], items: Any, **fields: Any) -> dict[str, Any]:
    return one_state(**distributed(ItemBatcher=batcher, ItemsPath=items, **fields))


def test_so_many_items_at_a_time(bench: Bench) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"run.$": "$.run", "c": 1}}
    selector = {"n.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"}
    outcome = bench.run(batched(batcher, "$.items", ItemSelector=selector), {"items": [5, 6, 7], "run": "r"})
    common = {"run": "r", "c": 1}
    assert outcome.output == [
        {"BatchInput": common, "Items": [{"n": 5, "i": 0}, {"n": 6, "i": 1}]},
        {"BatchInput": common, "Items": [{"n": 7, "i": 2}]},
    ]
    described = map_run(bench, outcome.arn)
    assert (described["itemCounts"]["total"], described["itemCounts"]["succeeded"]) == (3, 3)
    assert (described["executionCounts"]["total"], described["executionCounts"]["succeeded"]) == (2, 2)
    (run,) = bench.ask("ListMapRuns", executionArn=outcome.arn)["mapRuns"]
    listed = bench.ask("ListExecutions", mapRunArn=run["mapRunArn"])["executions"]
    assert sorted(each["itemCount"] for each in listed) == [1, 2]


def test_so_many_bytes_at_a_time(bench: Bench) -> None:
    """`{"Items":[` and `]}` are 12 bytes; an item of two digits, 2, and a comma between."""
    items = list(range(10, 17))
    outcome = bench.run(batched({"MaxInputBytesPerBatchPath": "$.most"}, "$.items"), {"items": items, "most": 20})
    assert outcome.output == [{"Items": items[:3]}, {"Items": items[3:6]}, {"Items": items[6:]}]
    assert all(len(json.dumps(each, separators=(",", ":"))) <= 20 for each in outcome.output)
    both = {"MaxInputBytesPerBatch": 20, "MaxItemsPerBatchPath": "$.most"}
    outcome = bench.run(batched(both, "$.items"), {"items": items[:3], "most": 2})
    assert outcome.output == [{"Items": [10, 11]}, {"Items": [12]}]


@pytest.mark.parametrize(
    ("batcher", "given", "error"),
    [
        ({"MaxInputBytesPerBatch": 15}, {"items": ["long"]}, "States.DataLimitExceeded"),
        ({"MaxItemsPerBatchPath": "$.m"}, {"items": [1], "m": 0}, "States.Runtime"),
        ({"MaxItemsPerBatchPath": "$.m"}, {"items": [1], "m": "1"}, "States.Runtime"),
        ({"MaxItemsPerBatch": 1, "BatchInput": {"x.$": "$.x"}}, {"items": [1]}, "States.Runtime"),
    ],
)
def test_batches_that_cannot_be_made(bench: Bench, batcher: dict[str, Any], given: Any, error: str) -> None:
    outcome = bench.run(batched(batcher, "$.items"), given)
    assert (outcome.status, outcome.error) == ("FAILED", error)
    assert "MapRunFailed" in outcome.kinds


@pytest.mark.parametrize(("tolerated", "status"), [(1, "FAILED"), (2, "SUCCEEDED")])
def test_a_batch_that_fails_is_all_its_items(bench: Bench, tolerated: int, status: str) -> None:
    def function(payload: Any) -> Any:
        if 3 in payload["Items"]:
            raise failed("E")
        return payload["Items"]

    bench.cloud.functions["f"] = function
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": BATCHED,
        "OutputPath": "$.Payload",
    }
    state = distributed(
        task, ItemBatcher={"MaxItemsPerBatch": 2}, ItemsPath="$", ToleratedFailureCount=tolerated, MaxConcurrency=1
    )
    outcome = bench.run(one_state(**state), [1, 2, 3, 4, 5])
    assert outcome.status == status
    counts = map_run(bench, outcome.arn)["itemCounts"]
    assert counts["failed"] == 2
    if status == "SUCCEEDED":
        assert outcome.output == [[1, 2], [5]]
        assert [child["status"] for child in children(bench, outcome.arn)] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


def test_batches_go_on_after_an_interruption(bench: Bench) -> None:
    state = distributed({"Type": "Wait", "Seconds": 5}, ItemBatcher={"MaxItemsPerBatch": 2}, MaxConcurrency=1)
    arn = bench.start(one_state(**state), [1, 2, 3])
    bench.clock.until_asked(1)
    bench.clock.advance(5)
    bench.clock.until_asked(2)
    again = bench.reopened(after=5)
    try:
        assert again.ended(arn).output == [{"Items": [1, 2]}, {"Items": [3]}]
        assert map_run(again, arn)["executionCounts"]["total"] == 2
    finally:
        again.engine.close()
