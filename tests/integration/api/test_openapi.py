"""What is published about the API is true: the document, the collection made from it, and the answers that it promises."""

import json
import subprocess
import sys

import pytest

from docs import postman
from edgetrain.api.openapi import document, text_of
from stacks.node import node_environment
from tests.session_cloud import PROJECT

NEWMAN = PROJECT / "node_modules" / "newman" / "bin" / "newman.js"
#: Checks of Schemathesis that ask for what cannot be, each with its reason.
LEFT_OUT = {
    "positive_data_acceptance": "text that fits the schema of `file` is not yet a picture: only its bytes say",
    "unsupported_method": "API Gateway answers 404, not 405, to a method that a path has no route for",
    "allow_header_conformance": "and with that no Allow header",
}
EXAMPLES = 20


def test_the_copy_in_the_documentation_is_what_is_served(api):
    served = api.request("GET", "/openapi.json", headers={}).json()
    assert served == document(api.outputs.needed("sign_in_url"))
    assert postman.OPENAPI.read_text(encoding="utf-8") == text_of(document())


def test_the_collection_is_current():
    """If not: `make postman`."""
    assert postman.COLLECTION.read_text(encoding="utf-8") == postman.collection(postman.OPENAPI)


def test_newman_runs_the_collection(api, tmp_path):
    report = tmp_path / "report.json"
    settings = {"baseUrl": api.url, "token": api.token}
    command = ["node", str(NEWMAN), "run", str(postman.COLLECTION), "--reporters", "json"]
    command += ["--reporter-json-export", str(report)]
    command += [word for name, value in settings.items() for word in ("--env-var", f"{name}={value}")]
    ended = subprocess.run(command, env=node_environment(), capture_output=True, text=True, timeout=120)
    run = json.loads(report.read_text())["run"]
    assert [failure["error"]["message"] for failure in run["failures"]] == []
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert run["stats"]["requests"]["total"] == sum(len(methods) for methods in document()["paths"].values())
    assert run["stats"]["assertions"]["total"] >= 3 * run["stats"]["requests"]["total"]


@pytest.mark.timeout(300)
def test_schemathesis_finds_no_answer_that_was_not_promised(api, tmp_path):
    """Hundreds of requests made from the document, right and wrong ones, always the same."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}/openapi.json", "--url", api.url]
    command += ["--header", f"Authorization: Bearer {api.token}", "--seed", "7", "--max-examples", str(EXAMPLES)]
    command += ["--checks", "all", "--exclude-checks", ",".join(LEFT_OUT), "--continue-on-failure", "--no-color"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert ended.returncode == 0, ended.stdout
    assert "Tested: 5" in ended.stdout, ended.stdout  # all but the document itself
