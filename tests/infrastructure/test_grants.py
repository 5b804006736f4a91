"""One role for each function, with exactly what its step uses; no wildcard action."""

from fnmatch import fnmatchcase

import pytest

from edgetrain import keys
from tests.infrastructure.reading import FEDERATED, Assembly, grants, listed, statements, text

RUN = "runs/*/run.json"
CLIENT_TESTS = "datasets/*/client-tests/*.safetensors"
GLOBALS = "runs/*/globals/*.safetensors"
INITIAL = "runs/*/globals/00000.safetensors"
ROUND = "runs/*/rounds/*/"

#: Function -> bucket -> action -> key patterns. `list` is what tells a missing key from a forbidden one.
OBJECTS: dict[str, dict[str, dict[str, set[str]]]] = {
    "StartRun": {
        "DataBucket": {"GetObject": {"datasets/*/current.json", "datasets/*/index.json"}},
        "ModelsBucket": {"GetObject": {"programs/*"}},
        "RunsBucket": {"GetObject": {RUN, INITIAL, ROUND + "evaluated.json"}, "PutObject": {RUN, INITIAL}},
    },
    "SelectClients": {
        "DataBucket": {"GetObject": {"datasets/*/index.json"}},
        "RunsBucket": {
            "GetObject": {RUN, ROUND + "closed.json", ROUND + "cohort.json", ROUND + "batches.json"},
            "PutObject": {ROUND + "cohort.json", ROUND + "batches.json"},
        },
    },
    "TrainClient": {
        "DataBucket": {"GetObject": {"datasets/*/clients/*.safetensors"}},
        "ModelsBucket": {"GetObject": {"programs/*"}},
        "RunsBucket": {
            "GetObject": {RUN, ROUND + "cohort.json", GLOBALS, ROUND + "updates/*.safetensors"},
            "PutObject": {ROUND + "updates/*.safetensors"},
        },
    },
    "SealRound": {
        "RunsBucket": {
            "GetObject": {RUN, ROUND + "cohort.json", ROUND + "sealed.json"},
            "GetObjectVersion": {ROUND + "updates/*.safetensors"},
            "PutObject": {ROUND + "sealed.json"},
        },
    },
    "AggregateTile": {
        "ModelsBucket": {"GetObject": {"programs/*"}},
        "RunsBucket": {
            "GetObject": {RUN, ROUND + "cohort.json", ROUND + "sealed.json", ROUND + "partials/*"},
            "GetObjectVersion": {ROUND + "updates/*.safetensors"},
            "PutObject": {ROUND + "partials/*"},
            "AbortMultipartUpload": {ROUND + "partials/*"},
        },
    },
    "CloseRound": {
        "ModelsBucket": {"GetObject": {"programs/*"}},
        "RunsBucket": {
            "GetObject": {
                *(RUN, GLOBALS, ROUND + "cohort.json", ROUND + "sealed.json", ROUND + "partials/*"),
                *(ROUND + "closed.json", ROUND + "state/*.f64"),
            },
            "GetObjectVersion": {ROUND + "partials/*", ROUND + "state/*.f64", GLOBALS},
            "PutObject": {GLOBALS, ROUND + "state/*.f64", ROUND + "closed.json"},
            "AbortMultipartUpload": {GLOBALS, ROUND + "state/*.f64"},
        },
    },
    "EvaluateModel": {
        "DataBucket": {"GetObject": {"datasets/*/index.json", "datasets/*/test.safetensors", CLIENT_TESTS}},
        "ModelsBucket": {"GetObject": {"programs/*"}},
        "RunsBucket": {
            "GetObject": {RUN, GLOBALS, ROUND + "closed.json", ROUND + "evaluated.json"},
            "PutObject": {ROUND + "evaluated.json"},
        },
    },
    "PublishModel": {
        "ModelsBucket": {"GetObject": {"programs/*", "models/*"}, "PutObject": {"models/*"}},
        "RunsBucket": {"GetObject": {RUN, GLOBALS, ROUND + "evaluated.json"}},
    },
    "FailRun": {},
}
LEDGER: dict[str, set[str]] = {
    "StartRun": {"GetItem", "PutItem"},
    "SelectClients": set(),
    "TrainClient": {"GetItem", "PutItem", "ConditionCheckItem"},
    "SealRound": {"PutItem", "Query"},
    "AggregateTile": {"PutItem"},
    "CloseRound": set(),
    "EvaluateModel": {"GetItem", "PutItem"},
    "PublishModel": {"GetItem", "PutItem", "Query"},
    "FailRun": {"GetItem", "PutItem"},
}
READS = {"GetObject", "GetObjectVersion"}

#: The only actions with resource `*`: IAM knows no resource for them. Action -> roles.
FUNCTIONS = frozenset(f"{state}FunctionRole" for state in OBJECTS)
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments": FUNCTIONS | {"TrainingRole"},
    "xray:PutTelemetryRecords": FUNCTIONS | {"TrainingRole"},
    "xray:GetSamplingRules": {"TrainingRole"},
    "xray:GetSamplingTargets": {"TrainingRole"},
    "logs:CreateLogDelivery": {"TrainingRole"},
    "logs:GetLogDelivery": {"TrainingRole"},
    "logs:UpdateLogDelivery": {"TrainingRole"},
    "logs:DeleteLogDelivery": {"TrainingRole"},
    "logs:ListLogDeliveries": {"TrainingRole"},
    "logs:PutResourcePolicy": {"TrainingRole"},
    "logs:DescribeResourcePolicies": {"TrainingRole"},
    "logs:DescribeLogGroups": {"TrainingRole"},
}


def expected(state: str) -> set[str]:
    lines = {f"dynamodb:{action} ${{LedgerTable.Arn}}" for action in LEDGER[state]}
    for bucket, actions in OBJECTS[state].items():
        for action, patterns in actions.items():
            lines |= {f"s3:{action} ${{{bucket}.Arn}}/{pattern}" for pattern in patterns}
        read = set().union(*(patterns for action, patterns in actions.items() if action in READS))
        lines |= {f"s3:ListBucket ${{{bucket}.Arn}} {pattern}" for pattern in read}
    logs = f"${{{state}FunctionLogs.Arn}}"
    lines |= {f"logs:CreateLogStream {logs}", f"logs:PutLogEvents {logs}"}
    return lines | {"xray:PutTraceSegments *", "xray:PutTelemetryRecords *"}


@pytest.mark.parametrize("state", OBJECTS)
def test_a_function_may_do_what_its_step_does_and_nothing_else(aws: Assembly, state: str) -> None:
    role = aws.resources(FEDERATED, "AWS::IAM::Role")[f"{state}FunctionRole"]
    assert grants(role) == expected(state)
    assert "ManagedPolicyArns" not in role["Properties"]
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_every_function_has_a_role_of_its_own(aws: Assembly) -> None:
    functions = aws.resources(FEDERATED, "AWS::Lambda::Function")
    roles = {name: text(each["Properties"]["Role"]) for name, each in functions.items()}
    assert roles == {f"{state}Function": f"${{{state}FunctionRole.Arn}}" for state in OBJECTS}


def test_the_state_machine_may_play_its_states(aws: Assembly) -> None:
    role = aws.resources(FEDERATED, "AWS::IAM::Role")["TrainingRole"]
    invoked = {f"lambda:InvokeFunction ${{{state}Function.Arn}}" for state in OBJECTS}
    without = {f"{action} *" for action in WITHOUT_RESOURCE}
    items = {f"s3:GetObject ${{RunsBucket.Arn}}/{ROUND}batches.json"}
    assert grants(role) == invoked | without | items
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}


def test_the_state_machine_may_start_its_map_runs(aws: Assembly) -> None:
    (policy,) = aws.resources(FEDERATED, "AWS::IAM::Policy").values()
    machine = "${TrainingFederatedTraining}"
    runs = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${TrainingFederatedTraining.Name}:*"
    assert grants(policy) == {
        f"states:StartExecution {machine}",
        f"states:DescribeExecution {runs}",
        f"states:StopExecution {runs}",
    }
    assert [text(role) for role in policy["Properties"]["Roles"]] == ["${TrainingRole}"]


def test_no_action_has_a_wildcard(aws: Assembly) -> None:
    for kind in ("AWS::IAM::Role", "AWS::IAM::Policy"):
        for name, resource in aws.resources(FEDERATED, kind).items():
            for statement in statements(resource):
                assert not [action for action in listed(statement["Action"]) if "*" in action], name
                assert "NotAction" not in statement
                assert "NotResource" not in statement


def test_a_wildcard_resource_only_where_iam_knows_none(aws: Assembly) -> None:
    found: dict[str, set[str]] = {}
    for name, resource in aws.resources(FEDERATED, "AWS::IAM::Role").items():
        for statement in statements(resource):
            if "*" in [text(each) for each in listed(statement["Resource"])]:
                for action in listed(statement["Action"]):
                    found.setdefault(action, set()).add(name)
    assert found == WITHOUT_RESOURCE


KEYS = {
    "RunsBucket": [
        keys.run_record("r"),
        keys.global_model("r", 0),
        keys.global_model("r", 12),
        keys.cohort("r", 1),
        keys.batches("r", 1),
        keys.update("r", 1, "c"),
        keys.sealed_round("r", 1),
        keys.partial_sum("r", 1, 0),
        keys.tile_result("r", 1, 0),
        keys.strategy_state("r", 1, "m"),
        keys.closed_round("r", 1),
        keys.evaluated_round("r", 1),
    ],
    "DataBucket": [
        keys.dataset_pointer("t"),
        keys.dataset_index("t", "d"),
        keys.client_data("t", "d", "c"),
        keys.client_test_data("t", "d", "c"),
        keys.test_data("t", "d"),
    ],
    "ModelsBucket": [
        keys.program_pointer("t"),
        keys.program_file("t", "p", keys.WEIGHTS_FILE),
        keys.model_file("t", 1, keys.MANIFEST_FILE),
    ],
}


@pytest.mark.parametrize("bucket", KEYS)
def test_patterns_are_those_of_the_keys(bucket: str) -> None:
    """Every pattern names some key, every key is named by one: a new layout of keys must come here, too."""
    patterns = {
        pattern for objects in OBJECTS.values() for granted in objects.get(bucket, {}).values() for pattern in granted
    }
    assert [key for key in KEYS[bucket] if not any(fnmatchcase(key, pattern) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(fnmatchcase(key, pattern) for key in KEYS[bucket])] == []


def test_a_pattern_names_one_kind_of_object() -> None:
    """`*` also stands for slashes: a pattern must not reach the objects of another."""
    assert not fnmatchcase(keys.update("r", 1, "c"), GLOBALS)
    assert not fnmatchcase(keys.closed_round("r", 1), RUN)
    assert not fnmatchcase(keys.client_data("t", "d", "c"), "datasets/*/test.safetensors")
    assert not fnmatchcase(keys.client_data("t", "d", "c"), CLIENT_TESTS)
    assert not fnmatchcase(keys.global_model("r", 1), INITIAL)
