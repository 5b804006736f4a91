"""Which route answers: the most exact one, then `$default`, else none."""

import pytest

from edgetrain.local.http_api.definition import Definition, Route, route_key
from edgetrain.local.http_api.routing import select


def chosen(method: str, path: str, *keys: str):
    routes = tuple(Route(key=route_key(key), integration_id=key) for key in keys)
    match = select(Definition(routes=routes, integrations={}, authorizers={}), method, path)
    return None if match is None else (match.route.key.text, match.parameters)


PETS = (
    "$default",
    "ANY /{proxy+}",
    "GET /pets/{proxy+}",
    "GET /pets/dog/{id}",
    "GET /pets/dog/1",
    "ANY /pets/dog/1",
    "ANY /pets/{kind}/{id}/names",
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("PUT", "/pets/dog/1", "ANY /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("GET", "/pets/cat/1/names", "ANY /pets/{kind}/{id}/names", {"kind": "cat", "id": "1"}),
        ("GET", "/pets/dog/1/", "GET /pets/{proxy+}", {"proxy": "dog/1/"}),
        ("POST", "/pets/dog/2", "ANY /{proxy+}", {"proxy": "pets/dog/2"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_exact_route(method, path, key, parameters):
    assert chosen(method, path, *PETS) == (key, parameters)
    assert chosen(method, path, *reversed(PETS)) == (key, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/labels"),  # another method
        ("HEAD", "/labels"),  # which GET does not answer
        ("GET", "/labels/"),  # a slash at the end counts
        ("GET", "//labels"),
        ("GET", "/models/"),  # a parameter is never empty
        ("GET", "/models/a/b"),
        ("GET", "/files/"),
        ("GET", "/Labels"),
        ("GET", "/"),
    ],
)
def test_no_route(method, path):
    assert chosen(method, path, "GET /labels", "GET /models/{task}", "GET /files/{path+}") is None


def test_parameters_are_decoded_after_the_path_is_split():
    assert chosen("GET", "/models/a%2Fb", "GET /models/{task}") == ("GET /models/{task}", {"task": "a/b"})


@pytest.mark.parametrize(
    ("path", "task"),
    [("/models/a%252Fb", "a%2Fb"), ("/models/%C3%A4", "ä"), ("/m%6Fdels/x", "x"), ("/models/a+b", "a+b")],
)
def test_each_part_is_decoded_once(path, task):
    assert chosen("GET", path, "GET /models/{task}") == ("GET /models/{task}", {"task": task})


def test_the_root():
    assert chosen("GET", "/", "GET /", "GET /{proxy+}") == ("GET /", {})


@pytest.mark.parametrize("text", ["GET", "/labels", "GET labels", ""])
def test_a_key_that_is_none(text):
    with pytest.raises(ValueError, match="route key"):
        route_key(text)
