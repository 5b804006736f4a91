"""A deployed sign-in without sockets: user pools behind the front, and an authoriser that can be watched and disturbed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from edgetrain.client.sign_in import SignIn
from edgetrain.local.cognito import cognito_apis
from edgetrain.local.front import Front
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.wsgi import Environ, call

URL = "http://127.0.0.1:4566"
WEB = "http://127.0.0.1:4567"
WEB_CLIENT = "web-client"
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/pool"


@dataclass
class FakeGateway:
    """API Gateway with one authoriser."""

    audience: list[str] = field(default_factory=lambda: [WEB_CLIENT])
    #: What else happens after an update, each once.
    meanwhile: list[Callable[["FakeGateway"], None]] = field(default_factory=list)
    #: What updates were asked for.
    updates: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None

    def get_authorizer(self, **asked: str) -> dict[str, Any]:
        assert asked == {"ApiId": "api", "AuthorizerId": "authorizer"}
        return {"Name": "SignIn", "JwtConfiguration": {"Issuer": ISSUER, "Audience": list(self.audience)}}

    def update_authorizer(self, **asked: Any) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        self.updates.append(asked)
        self.audience = list(asked["JwtConfiguration"]["Audience"])
        if self.meanwhile:
            self.meanwhile.pop(0)(self)
        return {}


class _Read:
    """What urllib gives."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self._body = body

    def read(self) -> bytes:
        return self._body

    def close(self) -> None: ...

    def __enter__(self) -> "_Read":
        return self

    def __exit__(self, *_: object) -> None: ...


class UserPoolCloud:
    """moto behind the front, with one pool: moto takes a quarter of a second to make one."""

    def __init__(self) -> None:
        moto = MotoApplication()
        self.front = Front(moto, b"{}")
        clients = Loopback(self.front)
        api, public = cognito_apis(moto, clients)
        self.front.serve("cognito-idp", api)
        for path, each in public.items():
            self.front.serve_public(path, each)
        self.idp = clients.client("cognito-idp")

    @cached_property
    def pool(self) -> str:
        """A pool as stacks/identity.py makes it."""
        pool: str = self.idp.create_user_pool(
            PoolName="people",
            AliasAttributes=["email"],
            UsernameConfiguration={"CaseSensitive": False},
            Policies={"PasswordPolicy": {"MinimumLength": 12}},
        )["UserPool"]["Id"]
        scopes = [{"ScopeName": each, "ScopeDescription": each} for each in ("detect", "contribute", "admin")]
        self.idp.create_resource_server(UserPoolId=pool, Identifier="edgetrain", Name="edgetrain", Scopes=scopes)
        self.idp.create_user_pool_domain(UserPoolId=pool, Domain=f"edgetrain-{pool[-12:]}")
        return pool

    def _empty(self) -> None:
        while users := self.idp.list_users(UserPoolId=self.pool)["Users"]:
            for user in users:
                self.idp.admin_delete_user(UserPoolId=self.pool, Username=user["Username"])
        for client in self.idp.list_user_pool_clients(UserPoolId=self.pool)["UserPoolClients"]:
            self.idp.delete_user_pool_client(UserPoolId=self.pool, ClientId=client["ClientId"])

    def sign_in(self, gateway: FakeGateway) -> SignIn:
        """What is deployed, with nobody in it but the web client."""
        self._empty()
        pool = self.pool
        self.idp.create_user_pool_client(
            UserPoolId=pool,
            ClientName="web",
            AllowedOAuthFlows=["code"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=["openid", "edgetrain/detect"],
            CallbackURLs=[f"{WEB}/"],
        )
        return SignIn(
            pool_id=pool,
            url=URL,
            api_id="api",
            authorizer_id="authorizer",
            web_url=WEB,
            idp=self.idp,
            gateway=gateway,  # type: ignore[arg-type]
            pause=lambda _seconds: None,
        )

    def urlopen(self, request: Any, timeout: float) -> _Read:
        """`urllib.request.urlopen`, answered by the front."""
        import io

        assert timeout > 0
        parts = urlsplit(request.full_url)
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.header_items()}
        environ: Environ = {
            "REQUEST_METHOD": request.get_method(),
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_LENGTH": str(len(request.data)),
            "CONTENT_TYPE": headers.pop("HTTP_CONTENT_TYPE"),
            "wsgi.input": io.BytesIO(request.data),
            **headers,
        }
        reply = call(self.front, environ)
        read = _Read(reply.status, b"".join(reply.body))
        if reply.status >= 400:
            raise HTTPError(request.full_url, reply.status, "", None, io.BytesIO(read.read()))  # type: ignore[arg-type]
        return read
