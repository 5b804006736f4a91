"""moto's server application, composed: never patched, its settings made before it is imported.

Everything of moto that we lean on beyond its HTTP interface has a contract test in tests/integration/cloud/test_moto_hooks.py.
"""

import os
import threading
from collections.abc import Iterable
from typing import Any, Final

from edgetrain.local.place import ACCOUNT, PARTITION, REGION
from edgetrain.local.wsgi import Environ, StartResponse

MANAGED_POLICIES: Final = "MOTO_IAM_LOAD_MANAGED_POLICIES"
#: moto reads these when it is imported.
SETTINGS: Final = {
    # Buckets are found by our front, whichever way they are addressed.
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    # Without it any code is good at the user pools' API.
    "MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP": "true",
    # `cdk bootstrap` attaches some.
    MANAGED_POLICIES: "true",
}
#: After so many requests moto's lists of every object it ever made are emptied (for its dashboard, which we do not serve).
FORGET_EVERY: Final = 2000


class MotoApplication:
    """moto's dispatcher, which makes the application of a service when it is first asked for."""

    def __init__(self) -> None:
        os.environ.update(SETTINGS)
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        _load_managed_policies_once()
        self._dispatcher: Any = DomainDispatcherApplication(create_backend_app)
        self._requests = 0
        self._lock = threading.Lock()

    def warm_up(self, service: str) -> None:
        """Import a service's back end before somebody waits for it."""
        credential = f"Credential=edgetrain/20260101/{REGION}/{service}/aws4_request"
        environ = {
            "PATH_INFO": "/",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=",
            "HTTP_X_AMZ_TARGET": "DynamoDB_20120810.ListTables",
        }
        self._dispatcher.get_application(environ)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            self._requests += 1
            forget = self._requests % FORGET_EVERY == 0
        if forget:
            _forget_instances()
        answer: Iterable[bytes] = self._dispatcher(environ, start_response)
        return answer


def _load_managed_policies_once() -> None:
    """Read AWS's own policies for our partition, and for no other.

    With the first request, moto makes a back end of every partition, for it looks for the access key in each; reading the
    policies takes a fifth of a second each time.
    """
    from moto.iam.models import iam_backends

    iam_backends[ACCOUNT][PARTITION]
    os.environ[MANAGED_POLICIES] = "false"


def _forget_instances() -> None:
    from moto.core.model_instances import reset_model_data

    reset_model_data()
