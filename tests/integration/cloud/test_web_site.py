"""The site as a browser gets it: over the second listener, by keep-alive connections, and with the deployed API below it."""

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from edgetrain.client.publishing import Publisher, Site
from edgetrain.local import process
from edgetrain.local.place import LOOPBACK
from edgetrain.local.process import RunningCloud
from tests.integration.cloud.conftest import make_client
from tests.session_cloud import DeployedApi
from tests.unit.local.cloudfront.conftest import site_template

STACK = "Site"
SCRIPT = "export const a = 1;\n" * 500
#: What `Site.of` wants besides the stack's outputs.
OTHERS = {"SignInUrl": "http://127.0.0.1:1", "WebClientId": "client", "ObjectsEndpoint": "endpoint"}


@pytest.fixture(scope="module")
def site(empty_cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    """A published site in a cloud with nothing else; its bucket is emptied before its stack goes."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<html>page</html>")
    (folder / "assets" / "index-Aa0_bb-1.js").write_text(SCRIPT)
    formation = make_client(empty_cloud.endpoint, "cloudformation")
    formation.create_stack(StackName=STACK, TemplateBody=json.dumps(site_template()))
    (stack,) = formation.describe_stacks(StackName=STACK)["Stacks"]
    told = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    flat = {"WebUrl": told["Url"], "WebBucket": told["Bucket"], "DistributionId": told["Id"], **OTHERS}
    s3, cloudfront = (make_client(empty_cloud.endpoint, service) for service in ("s3", "cloudfront"))
    publisher = Publisher(Site.of(flat), s3, cloudfront)
    publisher.publish(folder, lambda _: None)
    yield publisher
    publisher.remove()
    formation.delete_stack(StackName=STACK)
    assert not [each for each in formation.describe_stacks()["Stacks"] if each["StackName"] == STACK]


def test_the_url_is_the_second_listener(empty_cloud, site):
    answer = requests.get(f"{empty_cloud.web}/", timeout=60)
    assert (answer.status_code, answer.text) == (200, "<html>page</html>")
    assert answer.headers["content-security-policy"] == f"connect-src {empty_cloud.endpoint}"
    assert requests.get(f"{empty_cloud.web}/config.json", timeout=60).json()["tasks"] == ["objects"]


def test_one_connection_for_everything(empty_cloud, site):
    """What has no body is followed by the next answer, and what was sent in vain is read."""
    connection = http.client.HTTPConnection(urlsplit(empty_cloud.web).netloc, timeout=60)

    def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, str | None]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("etag")

    with closing(connection):
        status, body, tag = ask("GET", "/assets/index-Aa0_bb-1.js")
        assert (status, body) == (200, SCRIPT.encode())
        socket_before = connection.sock
        assert ask("HEAD", "/assets/index-Aa0_bb-1.js")[:2] == (200, b"")
        assert ask("GET", "/assets/index-Aa0_bb-1.js", if_none_match=tag or "")[:2] == (304, b"")
        assert ask("GET", "/assets/index-Aa0_bb-1.js", range="bytes=0-5")[:2] == (206, b"export")
        assert ask("POST", "/", b"x" * 100_000)[0] == 403
        assert ask("GET", "/none")[0] == 403
        assert ask("GET", "/")[:2] == (200, b"<html>page</html>")
        assert connection.sock is socket_before


def test_many_at_once(empty_cloud, site):
    def fetch(number: int) -> tuple[int, str]:
        encoding = {"Accept-Encoding": "gzip" if number % 2 else "identity"}
        answer = requests.get(f"{empty_cloud.web}/assets/index-Aa0_bb-1.js", headers=encoding, timeout=60)
        return answer.status_code, answer.text

    with ThreadPoolExecutor(24) as pool:
        assert set(pool.map(fetch, range(96))) == {(200, SCRIPT)}


def test_another_hosts_name_is_not_answered(empty_cloud, site):
    """A page of elsewhere whose name was pointed at this machine reads nothing."""
    answer = requests.get(f"{empty_cloud.web}/", headers={"Host": "evil.example"}, timeout=60)
    assert answer.status_code == 403
    assert "page" not in answer.text


# --- the ports


def free_pair() -> int:
    """A port that is free, as the next one is."""
    for _ in range(50):
        with closing(socket.socket()) as first, closing(socket.socket()) as second:
            first.bind((LOOPBACK, 0))
            port = int(first.getsockname()[1])
            try:
                second.bind((LOOPBACK, port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two free ports beside each other")


def listens(url: str) -> bool:
    parts = urlsplit(url)
    with closing(socket.socket()) as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


def test_the_site_is_on_the_next_port_or_on_any_and_ends_with_the_cloud(tmp_path: Path):
    port = free_pair()
    running = process.start(tmp_path / "first", port=port)
    try:
        assert running.web == f"http://{LOOPBACK}:{port + 1}"
        assert process.status(tmp_path / "first") == running
        answer = requests.get(running.web, timeout=60)
        assert (answer.status_code, "edgetrain up" in answer.text) == (404, True)
    finally:
        process.stop(tmp_path / "first")
    assert not listens(running.web)
    assert not listens(running.endpoint)
    with closing(socket.socket()) as somebody:
        somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the cloud's connections are hardly gone
        somebody.bind((LOOPBACK, port + 1))
        somebody.listen()
        second = process.start(tmp_path / "second", port=port)
        try:
            assert second.endpoint == f"http://{LOOPBACK}:{port}"
            assert second.web not in {running.web, second.endpoint}
            assert requests.get(second.web, timeout=60).status_code == 404
        finally:
            process.stop(tmp_path / "second")


# --- below the same host, the API


def test_the_api_is_the_same_below_the_site(api: DeployedApi):
    site = api.outputs.needed("web_url")
    direct = requests.get(f"{api.url}/openapi.json", timeout=60)
    below = requests.get(f"{site}/api/openapi.json", timeout=60)
    assert (below.status_code, below.json()) == (200, direct.json())
    refused = requests.post(f"{site}/api/detections", json={}, timeout=60)
    assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized"})
    labels = requests.get(f"{site}/api/labels/objects", headers=api.authorization, timeout=60)
    assert labels.status_code == 200
    assert labels.json() == api.request("GET", "/labels/objects").json()
    unknown = requests.get(f"{site}/api/nowhere", headers=api.authorization, timeout=60)
    assert (unknown.status_code, unknown.json()) == (404, {"message": "Not Found"})


def test_a_model_is_downloaded_from_another_origin(api: DeployedApi):
    """The page follows the API's presigned URL to S3, which tells the browser that it may."""
    site = api.outputs.needed("web_url")
    told = requests.get(f"{site}/api/models/objects/1/download", headers=api.authorization, timeout=60).json()
    urls = [each["url"] for each in told["files"]]
    assert urls
    for url in urls:
        policy = requests.get(f"{site}/api/openapi.json", timeout=60).headers["content-security-policy"]
        (connects,) = [each for each in policy.split("; ") if each.startswith("connect-src")]
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" in connects.split()
        answer = requests.get(url, headers={"Origin": site}, timeout=60)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
