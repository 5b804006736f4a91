"""What is done to the deployed API, and taken back."""

import pytest

from tests.session_cloud import throttled_route


@pytest.fixture
def throttled(api):
    """A context in which a route takes no request: `with throttled("GET /labels/{task}")`."""
    return lambda route: throttled_route(api, route)
