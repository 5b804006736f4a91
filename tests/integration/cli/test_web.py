"""The web app as `edgetrain up` leaves it, and as `edgetrain web publish` changes it."""

import json

import requests
from jsonschema import validate

from tests.integration.cli.conftest import PROJECT

SCHEMA = PROJECT / "docs" / "reference" / "published.schema.json"


def test_up_has_published_the_web_app(shell):
    url = shell.json("status")["web"]
    assert f"web app: {url}/" in shell.run("status").stdout
    page = requests.get(f"{url}/", timeout=60)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    outputs = shell.json("outputs")
    config = requests.get(f"{url}/config.json", timeout=60).json()
    assert config["signIn"]["url"] == outputs["SignInUrl"]
    assert config["signIn"]["clientId"] == outputs["WebClientId"]
    assert config["tasks"] == ["objects"]
    assert requests.get(url + config["apiUrl"] + "/openapi.json", timeout=60).status_code == 200


def test_up_has_brought_the_first_detector(shell):
    (detector,) = [each for each in shell.json("models", "list")["models"] if each["task"] == "objects"]
    assert detector["version"] == 1


def test_publishing_again_sends_nothing_and_another_folder_all_of_it(shell, tmp_path):
    url = shell.json("status")["web"]
    again = shell.json("web", "publish")
    validate(again, json.loads(SCHEMA.read_text()))
    assert (again["uploaded"], again["invalidation"], again["url"]) == ([], None, url)
    (tmp_path / "index.html").write_text("<html>mine</html>")
    other = shell.json("web", "publish", "--dist", str(tmp_path))
    assert other["uploaded"] == ["index.html"]
    assert requests.get(f"{url}/", timeout=60).text == "<html>mine</html>"
    back = shell.run("web", "publish", "--no-build")
    assert back.stdout == f"{url}/\n"
    assert "mine" not in requests.get(f"{url}/", timeout=60).text


def test_a_folder_that_is_no_web_app(shell, tmp_path):
    refused = shell.json("web", "publish", "--dist", str(tmp_path), code=2)
    assert refused["error"]["code"] == "UsageError"
