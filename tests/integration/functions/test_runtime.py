"""What a function sees: its packages, its variables, its context."""

import base64
import json
import sys
from dataclasses import replace

import pytest

from tests.integration.functions.conftest import ENDPOINT
from tests.integration.functions.deployed import ACCOUNT, REGION, Deployment, layer

IMPORTS = """
import importlib

def handler(event, context):
    found = {}
    for name in event:
        try:
            found[name] = str(getattr(importlib.import_module(name), "__file__", ""))
        except ImportError as error:
            found[name] = None
    return found
"""
SAYS = "def handler(event, context):\n    import said\n    return said.WORD\n"


def test_a_function_imports_its_zip_its_layers_and_what_lambda_brings(deployment: Deployment) -> None:
    deployment.deploy(
        "imports",
        {"handler.py": IMPORTS, "beside.py": ""},
        layers=(layer({"python/layered.py": ""}),),
    )
    there = ["beside", "layered", "boto3", "botocore.config", "awslambdaric", "json", "sqlite3"]
    absent = ["tensorflow", "moto", "edgetrain", "stacks", "pytest", "pip", "psutil", "numpy", "pydantic"]

    found = deployment.answer("imports", there + absent)

    assert [name for name in there if found[name] is None] == []
    assert {name: found[name] for name in absent if found[name]} == {}


def test_a_layer_covers_the_runtime_and_is_covered_by_the_zip(deployment: Deployment) -> None:
    deployment.deploy(
        "covers",
        "def handler(event, context):\n    import boto3, jmespath\n    return [boto3.WHO, jmespath.WHO]\n",
        layers=(layer({"python/boto3.py": "WHO = 'layer'\n", "python/jmespath.py": "WHO = 'layer'\n"}),),
    )
    own = deployment.deploy(
        "covered",
        {
            "handler.py": "def handler(event, context):\n    import boto3\n    return boto3.WHO\n",
            "boto3.py": "WHO = 'zip'\n",
        },
        layers=deployment.cloud.functions["covers"].layers,
    )
    assert own.layers

    assert deployment.answer("covers") == ["layer", "layer"]
    assert deployment.answer("covered") == "zip"


def test_a_later_layer_covers_an_earlier_one(deployment: Deployment) -> None:
    first, second = layer({"python/said.py": "WORD = 'first'\n"}), layer({"python/said.py": "WORD = 'second'\n"})
    deployment.deploy("first-second", SAYS, layers=(first, second))
    deployment.deploy("second-first", SAYS, layers=(second, first))

    assert deployment.answer("first-second") == "second"
    assert deployment.answer("second-first") == "first"


def test_site_packages_of_a_layer_with_their_pth_files(deployment: Deployment) -> None:
    site = f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    files = {f"{site}/more.pth": "deeper\n", f"{site}/deeper/said.py": "WORD = 'by pth'\n"}
    deployment.deploy("pth", SAYS, layers=(layer(files),))

    assert deployment.answer("pth") == "by pth"


def test_the_variables_are_lambdas_and_nothing_of_ours(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("SECRET_OF_THE_USER", "x")
    function = deployment.deploy(
        "variables",
        "import os\n\ndef handler(event, context):\n    return {**os.environ, 'cwd': os.getcwd()}\n",
        environment={"TABLE": "ledger", "AWS_REGION": "elsewhere", "OMP_NUM_THREADS": "3"},
        memory_mb=512,
        timeout_seconds=7,
    )

    seen = deployment.answer("variables")

    task = seen["LAMBDA_TASK_ROOT"]
    assert seen.pop("cwd") == task
    expected = {
        "_HANDLER": "handler.handler",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "variables",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/variables",
        "AWS_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": f"for arn:aws:iam::{ACCOUNT}:role/variables",
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "1",
        "TABLE": "ledger",
        "TZ": ":UTC",
    }
    assert {name: seen[name] for name in expected} == expected
    assert seen["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert set(seen) - set(expected) <= {
        *("_X_AMZN_TRACE_ID", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_RUNTIME_DIR"),
        *(
            "AWS_XRAY_CONTEXT_MISSING",
            "AWS_XRAY_DAEMON_ADDRESS",
            "LAMBDA_TASK_ROOT",
            "LANG",
            "LD_LIBRARY_PATH",
            "LC_CTYPE",
        ),
        *("MKL_NUM_THREADS", "PATH", "PYTHONPATH", "TMPDIR"),
    }
    assert (function.role_arn, "variables") in deployment.cloud.assumed


def test_the_context(deployment: Deployment) -> None:
    function = deployment.deploy(
        "context",
        "def handler(event, context):\n"
        "    return {'left': context.get_remaining_time_in_millis(), 'id': context.aws_request_id,\n"
        "            'arn': context.invoked_function_arn, 'name': context.function_name,\n"
        "            'version': context.function_version, 'memory': context.memory_limit_in_mb,\n"
        "            'client': context.client_context and context.client_context.custom}\n",
        timeout_seconds=9,
    )
    versioned = replace(function, arn=f"{function.arn}:4")
    deployment.cloud.functions[versioned.arn] = versioned
    document = json.dumps({"custom": {"städte": [1]}})
    encoded = base64.b64encode(document.encode()).decode()

    result = deployment.invoke("context", client_context=document)
    seen = json.loads(result.payload)

    assert 0 < seen.pop("left") <= 9000
    assert seen == {
        "id": result.request_id,
        "arn": function.arn,
        "name": "context",
        "version": "$LATEST",
        "memory": "256",
        "client": {"städte": [1]},
    }
    again = deployment.invoke(versioned.arn, client_context=encoded)
    assert again.executed_version == "4"
    assert json.loads(again.payload) | {"left": 0} == seen | {
        "left": 0,
        "id": again.request_id,
        "arn": versioned.arn,
        "version": "4",
    }
    assert deployment.answer("context")["client"] is None


def test_a_function_may_start_python_and_has_a_folder_for_its_files(deployment: Deployment) -> None:
    deployment.deploy(
        "starts",
        "import subprocess, sys, tempfile\n\n"
        "def handler(event, context):\n"
        "    with tempfile.NamedTemporaryFile() as file:\n"
        "        command = [sys.executable, '-c', 'import boto3; print(boto3.__name__)']\n"
        "        done = subprocess.run(command, capture_output=True, text=True, check=True)\n"
        "        return [file.name, done.stdout]\n",
    )

    name, printed = deployment.answer("starts")

    assert printed == "boto3\n"
    assert "/tmp/starts-" in name
