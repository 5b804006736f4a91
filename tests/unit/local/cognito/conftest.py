"""User pools behind the front, without sockets, at a time that tests set."""

import base64
import hashlib
import io
import json
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt

from edgetrain.local.cognito import SignIn, SignInState, UserPools
from edgetrain.local.cognito.keys import public_keys
from edgetrain.local.cognito.messages import FORM
from edgetrain.local.cognito.pools import find_pool, user_by_sub
from edgetrain.local.cognito.sign_in import PATHS, WELL_KNOWN
from edgetrain.local.front import Front
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.wsgi import Reply, call

CALLBACK = "http://127.0.0.1:4567/"
PASSWORD = "Correct-horse-1"
VERIFIER = "a-verifier-that-is-long-enough-for-rfc-7636-which-wants-43"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPES = ("detect", "contribute", "admin")


class FakeClock:
    """Starts at the time that moto writes into its own records."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@dataclass
class Form(HTMLParser):
    """The fields of a page's form, and what it says."""

    page: str
    fields: dict[str, str] = field(default_factory=dict)
    action: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        if tag == "input":
            self.fields[given["name"]] = given["value"]
        assert tag != "script"

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass
class Browser:
    """Keeps cookies and follows nothing."""

    front: Front
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, url: str, form: dict[str, str] | str | None = None, *, kind: str = FORM, **headers: str
    ) -> Reply:
        path, _, query = url.partition("?")
        text = form if isinstance(form, str) else urlencode(form or {})
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(text)),
            "CONTENT_TYPE": kind if form is not None else "",
            "HTTP_HOST": "127.0.0.1:4566",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "wsgi.input": io.BytesIO(text.encode()),
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        reply = call(self.front, environ)
        for cookie in reply.cookies:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    def get(self, url: str, **parameters: str) -> Reply:
        return self.ask("GET", f"{url}?{urlencode(parameters)}" if parameters else url)

    def submit(self, page: Reply, **values: str) -> Reply:
        form = Form(text(page))
        return self.ask("POST", form.action, {**form.fields, **values})

    def sign_in(self, name: str = "ann", password: str = PASSWORD, **asked: str) -> Reply:
        """From the endpoint to where the client is told."""
        reply = self.get("/oauth2/authorize", **asked)
        if not location(reply).startswith("/login"):
            return reply
        return self.submit(self.get(location(reply)), username=name, password=password)


def text(reply: Reply) -> str:
    return b"".join(reply.body).decode()


def document(reply: Reply) -> dict[str, Any]:
    return json.loads(text(reply))


def location(reply: Reply) -> str:
    assert reply.status == 302, text(reply)
    return reply.headers["Location"]


def answer_of(reply: Reply) -> dict[str, str]:
    """What a redirect tells the client."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location(reply)).query).items()}


@dataclass
class World:
    front: Front
    clock: FakeClock
    idp: Any
    pool: str
    web: str
    browser: Browser

    def asked(self, **changes: str | None) -> dict[str, str]:
        """An authorization request of the web client's; None leaves a parameter out."""
        usual: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.web,
            "redirect_uri": CALLBACK,
            "scope": "openid edgetrain/detect",
            "state": "xyz",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def person(self, name: str = "ann", password: str = PASSWORD, *, permanent: bool = True, **attributes: str) -> str:
        made = self.idp.admin_create_user(
            UserPoolId=self.pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": each, "Value": value} for each, value in attributes.items()],
        )
        self.idp.admin_set_user_password(UserPoolId=self.pool, Username=name, Password=password, Permanent=permanent)
        return next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub")

    def record(self, sub: str) -> Any:
        """moto's own of a person."""
        return user_by_sub(find_pool(self.pool), sub)

    def machine(self, *scopes: str, **settings: Any) -> tuple[str, str]:
        made = self.idp.create_user_pool_client(
            UserPoolId=self.pool,
            ClientName="scanner",
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=list(scopes),
            **settings,
        )["UserPoolClient"]
        return made["ClientId"], made["ClientSecret"]

    def code(self, **changes: str | None) -> str:
        return answer_of(self.browser.sign_in(**self.asked(**changes)))["code"]

    def redeem(self, code: str, **changes: str | None) -> Reply:
        usual: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": self.web,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        form = {name: value for name, value in {**usual, **changes}.items() if value is not None}
        return self.browser.ask("POST", "/oauth2/token", form)

    def claims(self, token: str) -> dict[str, Any]:
        keys = public_keys(f"https://cognito-idp.us-east-1.amazonaws.com/{self.pool}")
        assert keys is not None
        return jwt.decode(token, keys, algorithms=["RS256"]).claims


@pytest.fixture(scope="session")
def parts() -> tuple[Front, FakeClock, Loopback]:
    moto = MotoApplication()
    front = Front(moto, b"{}")
    clients = Loopback(front)
    clock = FakeClock()
    state = SignInState(clock)
    front.serve("cognito-idp", UserPools(moto, state))
    sign_in = SignIn(state, clients)
    front.serve_public(PATHS, sign_in)
    front.serve_public(WELL_KNOWN, sign_in)
    return front, clock, clients


def new_pool(idp: Any) -> str:
    """A pool with the API's scopes and a domain. moto takes a quarter of a second for one."""
    pool = idp.create_user_pool(
        PoolName="people",
        AliasAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        Policies={"PasswordPolicy": {"MinimumLength": 12, "TemporaryPasswordValidityDays": 3}},
    )["UserPool"]["Id"]
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in SCOPES]
    idp.create_resource_server(UserPoolId=pool, Identifier="edgetrain", Name="edgetrain", Scopes=scopes)
    idp.create_user_pool_domain(UserPoolId=pool, Domain=f"edgetrain-{pool[-12:]}")
    return pool


def new_world(parts: tuple[Front, FakeClock, Loopback], pool: str) -> World:
    """A web client of the pool, and a browser that knows nobody."""
    front, clock, clients = parts
    clock.now = time.time()
    idp = clients.client("cognito-idp")
    web = idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="web",
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid", "edgetrain/detect", "edgetrain/contribute"],
        CallbackURLs=[CALLBACK],
        LogoutURLs=[CALLBACK],
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors="ENABLED",
        RefreshTokenValidity=1,
        TokenValidityUnits={"RefreshToken": "days"},
    )["UserPoolClient"]["ClientId"]
    return World(front, clock, idp, pool, web, Browser(front))


@pytest.fixture(scope="session")
def pool_id(parts: tuple[Front, FakeClock, Loopback]) -> str:
    return new_pool(parts[2].client("cognito-idp"))


@pytest.fixture
def world(parts: tuple[Front, FakeClock, Loopback], pool_id: str) -> World:
    """The tests' pool, in which nobody is yet."""
    idp = parts[2].client("cognito-idp")
    for user in idp.list_users(UserPoolId=pool_id)["Users"]:
        idp.admin_delete_user(UserPoolId=pool_id, Username=user["Username"])
    return new_world(parts, pool_id)


@pytest.fixture
def own_world(parts: tuple[Front, FakeClock, Loopback]) -> World:
    """A pool of the test's own, to be changed."""
    return new_world(parts, new_pool(parts[2].client("cognito-idp")))
