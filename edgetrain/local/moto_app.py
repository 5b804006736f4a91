"""moto's server application, composed: never patched, its settings made before it is imported.

Everything of moto that we lean on beyond its HTTP interface has a contract test in tests/integration/cloud/test_moto_hooks.py.
"""

import os
import threading
from collections.abc import Iterable
from typing import Any, Final

from edgetrain.local.wsgi import Application, Environ, StartResponse

#: moto reads these when it is imported.
SETTINGS: Final = {
    # Buckets are found by our front, whichever way they are addressed.
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}
#: After so many requests moto's lists of every object it ever made are emptied (for its dashboard, which we do not serve).
FORGET_EVERY: Final = 2000


class MotoApplication:
    """moto's dispatcher, which makes the application of a service when it is first asked for."""

    def __init__(self) -> None:
        os.environ.update(SETTINGS)
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._application: Application = DomainDispatcherApplication(create_backend_app)
        self._requests = 0
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            self._requests += 1
            forget = self._requests % FORGET_EVERY == 0
        if forget:
            _forget_instances()
        return self._application(environ, start_response)


def _forget_instances() -> None:
    from moto.core.model_instances import reset_model_data

    reset_model_data()


def warm_up(application: Any, services: Iterable[str]) -> None:
    """Import services' back ends before somebody waits for them."""
    dispatcher = application._application
    for service in services:
        environ = {
            "PATH_INFO": "/",
            "HTTP_HOST": "localhost",
            "HTTP_X_AMZ_TARGET": "DynamoDB_20120810.ListTables" if service == "dynamodb" else "",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=edgetrain/20260101/us-east-1/{service}/aws4_request, Signature=",
        }
        dispatcher.get_application(environ)
