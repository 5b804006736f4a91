"""What is refused when a state machine is created, by its state's name; and what is taken."""

import json
from typing import Any

import pytest

from edgetrain.local.stepfunctions import InvalidDefinition, check_definition
from tests.unit.fakes.stepfunctions import FUNCTION_ARN, INVOKE, chain, one_state

PASS = {"Type": "Pass"}
INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "JSON"},
    "Parameters": {"Bucket": "b", "Key.$": "$.key"},
}


def task(**fields: Any) -> dict[str, Any]:
    return one_state(Type="Task", Resource=FUNCTION_ARN + "f", **fields)


def invocation(**parameters: Any) -> dict[str, Any]:
    return one_state(Type="Task", Resource=INVOKE, Parameters=parameters)


def calls(resource: str, **parameters: Any) -> dict[str, Any]:
    given = {"Parameters": parameters} if parameters else {}
    return one_state(Type="Task", Resource=f"arn:aws:states:::{resource}", **given)


def token(**fields: Any) -> dict[str, Any]:
    given = {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}}
    return one_state(Type="Task", Resource=f"{INVOKE}.waitForTaskToken", Parameters=given, **fields)


def reads(**config: Any) -> dict[str, Any]:
    return one_state(Type="Map", ItemProcessor=DISTRIBUTED, ItemReader={**READER, "ReaderConfig": config})


def lists(**parameters: Any) -> dict[str, Any]:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": parameters}
    return one_state(Type="Map", ItemProcessor=DISTRIBUTED, ItemReader=reader)


def batched(**batcher: Any) -> dict[str, Any]:
    return one_state(Type="Map", ItemProcessor=DISTRIBUTED, ItemBatcher=batcher)


def refusal(definition: Any) -> str:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    with pytest.raises(InvalidDefinition) as refused:
        check_definition(text)
    assert str(refused.value).startswith("Invalid State Machine Definition: '")
    return str(refused.value)


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        ("", "INVALID_JSON_DESCRIPTION"),
        ("not json", "INVALID_JSON_DESCRIPTION"),
        ('{"StartAt": NaN}', "INVALID_JSON_DESCRIPTION"),
        ("[" * 100_000, "INVALID_JSON_DESCRIPTION"),
        ([], "Expected an object at /"),
        ({}, "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"),
        ({"States": {"A": {"Type": "Pass", "End": True}}}, "These fields are required: [StartAt] at /"),
        ({"StartAt": "A"}, "These fields are required: [States] at /"),
        ({"StartAt": "A", "States": {}}, "Expected at least one state at /States"),
        ({**chain(A=PASS), "StartAt": "B"}, "MISSING_TRANSITION_TARGET: Missing 'StartAt' target: B at /StartAt"),
        ({**chain(A=PASS), "Version": "2.0"}, "at /Version"),
        ({**chain(A=PASS), "TimeoutSeconds": 0}, "at /TimeoutSeconds"),
        ({**chain(A=PASS), "QueryLanguage": "JSONata"}, "at /QueryLanguage"),
        ({**chain(A=PASS), "Extra": 1}, "NOT_SUPPORTED: Field 'Extra' is not supported at /Extra"),
        ({**chain(A=PASS), "Comment": 1}, "at /Comment"),
        (chain(A={"Type": "Pass", "Next": "B"}), "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next"),
        (chain(A={"Type": "Pass", "Next": "A"}), "MISSING_TERMINAL_STATE"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}, "B": {"Type": "Succeed"}}}, "/States/B"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass"}}}, "Expected either 'Next' or 'End': true at /States/A"),
        (chain(A={"Type": "Pass", "Next": "A", "End": True}), "Expected either 'Next' or 'End': true at /States/A"),
        (chain(A={"Type": "Pause"}), "at /States/A/Type"),
        ({"StartAt": "A", "States": {"A": 7}}, "Expected an object at /States/A"),
        ({"StartAt": "x" * 81, "States": {"x" * 81: {"Type": "Succeed"}}}, "at most 80 characters"),
        (chain(A={"Type": "Succeed", "Next": "A"}), "/States/A/Next"),
        (chain(A={"Type": "Pass", "Assign": {"a": 1}}), "/States/A/Assign"),
        (chain(A={"Type": "Pass", "QueryLanguage": "JSONata"}), "/States/A/QueryLanguage"),
        (chain(A={"Type": "Pass", "Output": {}}), "/States/A/Output"),
        (chain(A={"Type": "Pass", "InputPath": "x"}), "/States/A/InputPath"),
        (chain(A={"Type": "Pass", "OutputPath": 1}), "/States/A/OutputPath"),
        (chain(A={"Type": "Pass", "ResultPath": "$.a[*]"}), "Value is not a Reference Path at /States/A/ResultPath"),
        (chain(A={"Type": "Pass", "ResultPath": "$$.a"}), "Value is not a Reference Path at /States/A/ResultPath"),
        (chain(A={"Type": "Pass", "Parameters": []}), "Expected an object at /States/A/Parameters"),
        (
            chain(A={"Type": "Pass", "Parameters": {"a.$": "nothing"}}),
            "The value for the field 'a.$' must be a valid JSONPath or a valid intrinsic function call",
        ),
        (chain(A={"Type": "Pass", "ResultSelector": {}}), "/States/A/ResultSelector"),
        (chain(A={"Type": "Pass", "Retry": []}), "/States/A/Retry"),
        (chain(A={"Type": "Wait"}), "One of these fields is required"),
        (chain(A={"Type": "Wait", "Seconds": 1, "SecondsPath": "$"}), "Only one of these fields is allowed"),
        (chain(A={"Type": "Wait", "Seconds": -1}), "/States/A/Seconds"),
        (chain(A={"Type": "Wait", "Seconds": 1.5}), "/States/A/Seconds"),
        (chain(A={"Type": "Wait", "Timestamp": "2016-12-05 21:29:29Z"}), "String does not match RFC3339 timestamp at /States/A/Timestamp"),
        (chain(A={"Type": "Fail", "Error": "a", "ErrorPath": "$.a"}), "Only one of these fields is allowed"),
        (chain(A={"Type": "Fail", "CausePath": "a"}), "/States/A/CausePath"),
        (chain(A={"Type": "Fail", "OutputPath": "$"}), "/States/A/OutputPath"),
        (chain(A={"Type": "Choice"}), "/States/A/Choices"),
        (chain(A={"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True}]}), "[Next] at /States/A/Choices[0]"),
        (
            chain(A={"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "B"}], "Default": "C"}),
            "Missing 'Default' target: C at /States/A/Default",
        ),
        (one_state(Type="Task"), "These fields are required: [Resource] at /States/Only"),
        (calls("sqs:sendMessage.sync"), "at /States/Only/Resource"),
        (calls("sqs:receiveMessage"), "at /States/Only/Resource"),
        (calls("lambda:invoke.sync"), "at /States/Only/Resource"),
        (calls("sagemaker:createTrainingJob.sync"), "/States/Only/Resource"),
        (calls("states:startExecution.sync:3"), "/States/Only/Resource"),
        (calls("states:startExecution"), "The field 'StateMachineArn' is required at /States/Only/Parameters"),
        (calls("aws-sdk:s3:getThing"), "/States/Only/Resource"),
        (calls("aws-sdk:s3:GetObject"), "/States/Only/Resource"),
        (calls("aws-sdk:s3:getObject.sync"), "/States/Only/Resource"),
        (calls("aws-sdk:ec2:describeInstances"), "/States/Only/Resource"),
        (calls("aws-sdk:s3:getObject", Bucket="b"), "The field 'Key' is required"),
        (calls("aws-sdk:s3:getObject", Bucket="b", Key="k", Kye="k"), "/States/Only/Parameters/Kye"),
        (calls("dynamodb:query"), "/States/Only/Resource"),
        (calls("dynamodb:putItem", TableName="t"), "The field 'Item' is required"),
        (calls("dynamodb:putItem.sync"), "/States/Only/Resource"),
        (one_state(Type="Task", Resource="arn:aws:states:eu-west-1:123456789012:activity:a"), "/States/Only/Resource"),
        (task(HeartbeatSeconds=3), "/States/Only/HeartbeatSeconds"),
        (token(HeartbeatSeconds=3, TimeoutSeconds=3), "HeartbeatSeconds must be smaller than TimeoutSeconds"),
        (token(HeartbeatSeconds=3, HeartbeatSecondsPath="$.h"), "Only one of these fields is allowed"),
        (task(Credentials={}), "/States/Only/Credentials"),
        (task(Arguments={}), "/States/Only/Arguments"),
        (task(TimeoutSeconds=0), "/States/Only/TimeoutSeconds"),
        (task(TimeoutSeconds=1, TimeoutSecondsPath="$.t"), "Only one of these fields is allowed"),
        (invocation(), "The field 'FunctionName' is required at /States/Only/Parameters"),
        (invocation(FunctionName="f", Qualifier="1"), "/States/Only/Parameters/Qualifier"),
        (invocation(FunctionName="f", InvocationType="Event"), "/States/Only/Parameters/InvocationType"),
        (task(Retry={}), "Expected an array at /States/Only/Retry"),
        (task(Retry=[{}]), "[ErrorEquals] at /States/Only/Retry[0]"),
        (task(Retry=[{"ErrorEquals": []}]), "/States/Only/Retry[0]/ErrorEquals"),
        (task(Retry=[{"ErrorEquals": ["a", "States.ALL"]}]), "must appear alone"),
        (task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["a"]}]), "in the last entry"),
        (task(Retry=[{"ErrorEquals": ["a"], "IntervalSeconds": 0}]), "/Retry[0]/IntervalSeconds"),
        (task(Retry=[{"ErrorEquals": ["a"], "BackoffRate": 0.5}]), "/Retry[0]/BackoffRate"),
        (task(Retry=[{"ErrorEquals": ["a"], "MaxAttempts": -1}]), "/Retry[0]/MaxAttempts"),
        (task(Retry=[{"ErrorEquals": ["a"], "MaxDelaySeconds": 1}]), "/Retry[0]/MaxDelaySeconds"),
        (task(Retry=[{"ErrorEquals": ["a"], "JitterStrategy": "SOME"}]), "/Retry[0]/JitterStrategy"),
        (task(Catch=[{"ErrorEquals": ["a"]}]), "[Next] at /States/Only/Catch[0]"),
        (task(Catch=[{"ErrorEquals": ["a"], "Next": "B"}]), "Missing 'Next' target: B at /States/Only"),
        (task(Catch=[{"ErrorEquals": ["a"], "Next": "Only", "Assign": {}}]), "/States/Only/Catch[0]/Assign"),
        (one_state(Type="Parallel"), "/States/Only/Branches"),
        (one_state(Type="Parallel", Branches=[{"StartAt": "X", "States": {}}]), "/States/Only/Branches[0]/States"),
        (
            one_state(Type="Parallel", Branches=[INNER, INNER]),
            "DUPLICATE_STATE_NAME: Duplicate state name: In at /States/Only/Branches[1]/States/In",
        ),
        (
            one_state(Type="Parallel", Branches=[{**INNER, "StartAt": "Only"}]),
            "Missing 'StartAt' target: Only at /States/Only/Branches[0]/StartAt",
        ),
        (one_state(Type="Map"), "These fields are required: [ItemProcessor] at /States/Only"),
        (one_state(Type="Map", ItemProcessor=INNER, ItemBatcher={}), "/States/Only/ItemBatcher"),
        (one_state(Type="Map", ItemProcessor=INNER, ItemReader=READER), "/States/Only/ItemReader"),
        (one_state(Type="Map", ItemProcessor=INNER, ToleratedFailureCount=1), "/States/Only/ToleratedFailureCount"),
        (one_state(Type="Map", ItemProcessor=INNER, MaxConcurrency=-1), "/States/Only/MaxConcurrency"),
        (one_state(Type="Map", ItemProcessor={**INNER, "ProcessorConfig": {"Mode": "FAST"}}), "/ProcessorConfig/Mode"),
        (
            one_state(
                Type="Map",
                ItemProcessor={**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}},
            ),
            "NOT_SUPPORTED: Only STANDARD is supported at /States/Only/ItemProcessor/ProcessorConfig/ExecutionType",
        ),
        (one_state(Type="Map", ItemProcessor=DISTRIBUTED, ResultWriter={}), "/States/Only/ResultWriter"),
        (one_state(Type="Map", ItemProcessor=DISTRIBUTED, Label="a b"), "Label contains invalid character"),
        (one_state(Type="Map", ItemProcessor=DISTRIBUTED, Label="x" * 41), "Label cannot exceed 40 characters"),
        (one_state(Type="Map", ItemProcessor=DISTRIBUTED, ToleratedFailurePercentage=101), "/ToleratedFailurePercentage"),
        (reads(InputType="PARQUET"), "NOT_SUPPORTED: Only [JSON, JSONL, CSV] are supported at /States/Only/ItemReader"),
        (reads(InputType="MANIFEST"), "/States/Only/ItemReader/ReaderConfig/InputType"),
        (reads(InputType="JSON", ItemsPointer="/a"), "/States/Only/ItemReader/ReaderConfig/ItemsPointer"),
        (reads(InputType="CSV"), "[CSVHeaderLocation] at /States/Only/ItemReader/ReaderConfig"),
        (reads(InputType="CSV", CSVHeaderLocation="NONE"), "Expected FIRST_ROW or GIVEN"),
        (reads(InputType="CSV", CSVHeaderLocation="GIVEN"), "/ReaderConfig/CSVHeaders"),
        (reads(InputType="CSV", CSVHeaderLocation="GIVEN", CSVHeaders=[]), "/ReaderConfig/CSVHeaders"),
        (reads(InputType="CSV", CSVHeaderLocation="FIRST_ROW", CSVHeaders=["a"]), "/ReaderConfig/CSVHeaders"),
        (reads(InputType="CSV", CSVHeaderLocation="FIRST_ROW", CSVDelimiter="DOT"), "/ReaderConfig/CSVDelimiter"),
        (reads(InputType="JSONL", CSVDelimiter="TAB"), "/ReaderConfig/CSVDelimiter"),
        (lists(Bucket="b", Key="k"), "/States/Only/ItemReader/Parameters/Key"),
        (lists(Prefix="p"), "The field 'Bucket' is required"),
        (batched(), "Expected MaxItemsPerBatch or MaxInputBytesPerBatch"),
        (batched(MaxItemsPerBatch=0), "/States/Only/ItemBatcher/MaxItemsPerBatch"),
        (batched(MaxInputBytesPerBatch=262_145), "/States/Only/ItemBatcher/MaxInputBytesPerBatch"),
        (batched(MaxItemsPerBatch=1, MaxItemsPerBatchPath="$"), "Only one of these fields is allowed"),
        (batched(MaxItemsPerBatch=1, BatchInput=1), "/States/Only/ItemBatcher/BatchInput"),
        (batched(MaxItemsPerBatch=1, Size=1), "/States/Only/ItemBatcher/Size"),
        (
            one_state(Type="Map", ItemProcessor=DISTRIBUTED, ItemReader={**READER, "Parameters": {"Bucket": "b"}}),
            "The field 'Key' is required",
        ),
    ],
)  # fmt: skip
def test_refused(definition: Any, sentence: str) -> None:
    assert sentence in refusal(definition)


def test_every_problem_is_told() -> None:
    text = refusal({"StartAt": "A", "States": {"A": {"Type": "Pass", "Foo": 1}, "B": {"Type": "Wait"}}})
    assert "/States/A/Foo" in text
    assert "/States/B" in text


def test_too_long() -> None:
    assert "MAXIMUM_SIZE" in refusal(json.dumps({**chain(A=PASS), "Comment": "x" * 2**20}))


@pytest.mark.parametrize(
    "definition",
    [
        {**chain(A=PASS), "Comment": "c", "Version": "1.0", "QueryLanguage": "JSONPath", "TimeoutSeconds": 5},
        chain(A={"Type": "Pass", "Comment": "c", "InputPath": None, "OutputPath": None, "ResultPath": None}),
        chain(Comment=PASS),
        one_state(Type="Task", Resource=FUNCTION_ARN + "f:live"),
        token(HeartbeatSeconds=3, TimeoutSeconds=4),
        calls("aws-sdk:sfn:startExecution", **{"StateMachineArn.$": "$.m"}),
        calls("sqs:sendMessage", QueueUrl="u", MessageBody={"a": 1}),
        one_state(Type="Map", Iterator=INNER, Parameters={"a.$": "$$.Map.Item.Value"}),
        one_state(Type="Map", ItemProcessor=DISTRIBUTED, ItemReader=READER, Label="ok_1", MaxConcurrencyPath="$.m"),
        one_state(Type="Map", ItemProcessor=DISTRIBUTED, ToleratedFailureCountPath="$.m"),
        lists(**{"Bucket.$": "$.b", "Prefix": "p"}),
        reads(InputType="JSONL", MaxItemsPath="$.m"),
        reads(InputType="CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["a"], CSVDelimiter="PIPE"),
        batched(MaxItemsPerBatchPath="$.a", MaxInputBytesPerBatchPath="$.b", BatchInput={"x.$": "$.x"}),
        one_state(Type="Succeed", InputPath="$.a", OutputPath="$.b"),
        one_state(Type="Fail"),
    ],
)
def test_taken(definition: dict[str, Any]) -> None:
    check_definition(json.dumps(definition))
