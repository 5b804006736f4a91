"""What is done to the deployed API and taken back, and what stands in `Authorization`."""

from functools import cache

import pytest

from tests.integration.api import tokens
from tests.session_cloud import throttled_route


@pytest.fixture
def throttled(api):
    """A context in which a route takes no request: `with throttled("GET /labels/{task}")`."""
    return lambda route: throttled_route(api, route)


@pytest.fixture(scope="session")
def authorization(api):
    """The headers with a token of some kind (see `tokens`); each is made once."""
    return cache(lambda kind: tokens.authorization(api, kind))
