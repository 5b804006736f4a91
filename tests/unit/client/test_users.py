"""People and machine users: made, listed, let in, removed, and nothing left half-done."""

import re
import urllib.error

import pytest
from botocore.exceptions import ClientError
from joserfc import jwt

from edgetrain import limits
from edgetrain.client import tokens, users
from edgetrain.client.sign_in import connect_sign_in
from edgetrain.errors import NotDeployed, SignInFailed, SignInUnavailable, UsageError, UserExists, UserNotFound
from edgetrain.local.cognito.keys import public_keys
from tests.unit.fakes.sign_in import ISSUER, WEB, WEB_CLIENT, FakeGateway, UserPoolCloud

PASSWORD = "Correct-horse-1"


@pytest.fixture(scope="module")
def pools():
    return UserPoolCloud()


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture
def sign_in(pools, gateway):
    return pools.sign_in(gateway)


def names(sign_in) -> list[str]:
    everybody = users.list_users(sign_in)
    return [each.name for each in (*everybody.people, *everybody.machines)]


# --- machine users


def test_a_machine_is_made_and_let_in(sign_in, gateway):
    made = users.add_machine(sign_in, "scanner", ("detect", "contribute"))
    assert (made.name, made.scopes, made.admitted) == ("scanner", ("detect", "contribute"), True)
    assert gateway.audience == [WEB_CLIENT, made.client_id]
    (update,) = gateway.updates
    assert update.keys() == {"ApiId", "AuthorizerId", "JwtConfiguration"}, "nothing else of it is touched"
    assert update["JwtConfiguration"]["Issuer"] == ISSUER
    client = sign_in.idp.describe_user_pool_client(UserPoolId=sign_in.pool_id, ClientId=made.client_id)
    assert client["UserPoolClient"]["AllowedOAuthScopes"] == ["edgetrain/detect", "edgetrain/contribute"]
    assert client["UserPoolClient"]["AllowedOAuthFlows"] == ["client_credentials"]
    assert client["UserPoolClient"]["ClientSecret"]


@pytest.mark.parametrize("scopes", [("fly",), ("detect", "edgetrain/admin"), ()])
def test_a_scope_that_there_is_not(sign_in, gateway, scopes):
    with pytest.raises(UsageError, match="expected some of detect, contribute, admin"):
        users.add_machine(sign_in, "scanner", scopes)
    assert names(sign_in) == []
    assert gateway.updates == []


@pytest.mark.parametrize("name", ["", "-x", "a b", "a@b.c", "x" * 65, "a\nb", "é"])
def test_a_name_that_cannot_be(sign_in, name):
    with pytest.raises(UsageError, match="name is"):
        users.add_machine(sign_in, name, ("detect",))
    with pytest.raises(UsageError, match="name is"):
        users.invite(sign_in, name)
    assert names(sign_in) == []


def test_a_name_is_had_once(sign_in, gateway):
    users.add_machine(sign_in, "scanner", ("detect",))
    users.invite(sign_in, "ann")
    for taken in ("scanner", "ann"):
        with pytest.raises(UserExists, match=taken):
            users.add_machine(sign_in, taken, ("detect",))
        with pytest.raises(UserExists, match=taken):
            users.invite(sign_in, taken)
    assert names(sign_in) == ["ann", "scanner"]
    assert len(gateway.updates) == 1


def test_a_machine_that_cannot_be_let_in_is_not_made(sign_in, gateway):
    gateway.failure = ClientError({"Error": {"Code": "TooManyRequestsException"}}, "UpdateAuthorizer")
    with pytest.raises(ClientError):
        users.add_machine(sign_in, "scanner", ("detect",))
    assert names(sign_in) == []
    gateway.failure = None
    users.add_machine(sign_in, "scanner", ("detect",))


def test_two_at_a_time_are_both_let_in(sign_in, gateway):
    """Another update, made from what was there before ours, overwrites ours."""
    gateway.meanwhile = [lambda each: each.audience.__setitem__(slice(None), [WEB_CLIENT, "other"])]
    made = users.add_machine(sign_in, "scanner", ("detect",))
    assert gateway.audience == [WEB_CLIENT, "other", made.client_id]


def test_an_audience_that_never_rests_is_told(sign_in, gateway):
    gateway.meanwhile = [lambda each: each.audience.remove(each.audience[-1])] * 5
    with pytest.raises(SignInFailed, match="somebody else"):
        users.add_machine(sign_in, "scanner", ("detect",))
    assert names(sign_in) == []


def test_the_audience_has_room_for_so_many(sign_in, gateway):
    gateway.audience = [f"client-{number}" for number in range(limits.HTTP_API_AUDIENCES)]
    with pytest.raises(UsageError, match="at most 50"):
        users.add_machine(sign_in, "scanner", ("detect",))
    assert names(sign_in) == []


def test_who_was_taken_out_by_a_deployment_is_shown_and_let_in_again(sign_in, gateway):
    first = users.add_machine(sign_in, "first", ("detect",))
    second = users.add_machine(sign_in, "second", ("admin",))
    gateway.audience = [WEB_CLIENT]
    assert [each.admitted for each in users.list_users(sign_in).machines] == [False, False]
    assert users.sync(sign_in) == ("first", "second")
    assert gateway.audience == [WEB_CLIENT, first.client_id, second.client_id]
    assert users.sync(sign_in) == ()
    assert len(gateway.updates) == 3, "what is right already is not written again"


# --- people


def test_a_person_is_invited_with_a_password_that_is_told_once(sign_in):
    made = users.invite(sign_in, "ann", email="ann@example.org")
    assert (made.name, made.email, made.web) == ("ann", "ann@example.org", WEB)
    assert len(made.password) >= 20
    (person,) = users.list_users(sign_in).people
    assert (person.name, person.email, person.status, person.enabled) == ("ann", "ann@example.org", "CONFIRMED", True)


def test_a_password_of_ones_own_is_not_told(sign_in):
    assert users.invite(sign_in, "ann", password=PASSWORD).password is None


def test_a_refused_password_leaves_nobody(sign_in):
    with pytest.raises(UsageError, match="not long enough"):
        users.invite(sign_in, "ann", password="Short-1")
    assert names(sign_in) == []
    users.invite(sign_in, "ann", password=PASSWORD)


@pytest.mark.parametrize("email", ["", "ann", "ann@", "a b@example.org", "@example.org", "ann@example"])
def test_an_address_that_is_none(sign_in, email):
    with pytest.raises(UsageError, match="email is"):
        users.invite(sign_in, "ann", email=email)
    assert names(sign_in) == []


def test_an_address_is_had_once(sign_in):
    users.invite(sign_in, "ann", email="ann@example.org")
    with pytest.raises(UserExists, match="the address Ann@"):
        users.invite(sign_in, "bob", email="Ann@example.org")


def test_passwords_that_are_made_up_fit_a_strict_policy():
    made = {users.new_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 20
        assert all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]", r"[-_.+=]"))


def test_everybody_is_listed_however_many_pages_they_fill(sign_in):
    for number in range(62):
        sign_in.idp.admin_create_user(UserPoolId=sign_in.pool_id, Username=f"person-{number:02}")
    assert names(sign_in) == [f"person-{number:02}" for number in range(62)]


# --- removing


def test_whoever_is_removed_is_gone(sign_in, gateway):
    users.add_machine(sign_in, "scanner", ("detect",))
    users.invite(sign_in, "ann")
    users.remove(sign_in, "scanner")
    assert gateway.audience == [WEB_CLIENT]
    users.remove(sign_in, "ann")
    assert names(sign_in) == []
    with pytest.raises(UserNotFound, match="no user 'ann'"):
        users.remove(sign_in, "ann")


def test_the_web_client_is_nobody(sign_in):
    with pytest.raises(UserNotFound):
        users.remove(sign_in, "web")
    assert names(sign_in) == []


def test_a_removal_that_was_interrupted_can_be_done_again(sign_in, gateway):
    users.add_machine(sign_in, "scanner", ("detect",))
    gateway.audience = [WEB_CLIENT]
    users.remove(sign_in, "scanner")
    assert names(sign_in) == []


def test_of_two_of_one_name_none_is_removed(sign_in):
    users.add_machine(sign_in, "twin", ("detect",))
    sign_in.idp.admin_create_user(UserPoolId=sign_in.pool_id, Username="twin")
    with pytest.raises(UsageError, match="both called 'twin'"):
        users.remove(sign_in, "twin")
    assert names(sign_in) == ["twin", "twin"]


# --- tokens


@pytest.fixture
def online(pools, monkeypatch):
    monkeypatch.setattr(tokens.urllib.request, "urlopen", pools.urlopen)


def test_a_token_is_the_machines(sign_in, online):
    made = users.add_machine(sign_in, "scanner", ("detect", "contribute"))
    token = tokens.ask_for_token(sign_in.url, users.machine_of(sign_in, "scanner"))
    keys = public_keys(f"https://cognito-idp.us-east-1.amazonaws.com/{sign_in.pool_id}")
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    assert users.machine_of(sign_in, "scanner").secret not in repr(users.machine_of(sign_in, "scanner"))
    assert (claims["client_id"], claims["scope"]) == (made.client_id, "edgetrain/detect edgetrain/contribute")


def test_a_person_and_a_stranger_have_no_token(sign_in):
    users.invite(sign_in, "ann")
    with pytest.raises(UsageError, match="is a person"):
        users.machine_of(sign_in, "ann")
    for name in ("zed", "web", "ann@example.org"):
        with pytest.raises(UserNotFound):
            users.machine_of(sign_in, name)


def test_a_machine_whose_scopes_were_taken_away_is_told_why(sign_in, online):
    made = users.add_machine(sign_in, "scanner", ("detect",))
    sign_in.idp.update_user_pool_client(
        UserPoolId=sign_in.pool_id, ClientId=made.client_id, AllowedOAuthFlowsUserPoolClient=False
    )
    with pytest.raises(SignInFailed, match="gave scanner no token: unauthorized_client"):
        tokens.ask_for_token(sign_in.url, users.machine_of(sign_in, "scanner"))


def answer(status: int, body: bytes):
    import io

    def urlopen(request, timeout):
        if status == 0:
            raise urllib.error.URLError(ConnectionRefusedError(111, "Connection refused"))
        if status == 1:
            raise TimeoutError("timed out")
        if status >= 400:
            raise urllib.error.HTTPError(request.full_url, status, "", None, io.BytesIO(body))
        return io.BytesIO(body)

    return urlopen


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (0, b"", SignInUnavailable),
        (1, b"", SignInUnavailable),
        (503, b"<html>", SignInUnavailable),
        (429, b"{}", SignInUnavailable),
        (400, b'{"error": "invalid_client"}', SignInFailed),
        (404, b"[]", SignInFailed),
        (200, b"not json", SignInFailed),
        (200, b'{"access_token": ""}', SignInFailed),
        (200, b'{"access_token": 7}', SignInFailed),
    ],
)
def test_an_endpoint_that_gives_no_token(sign_in, monkeypatch, status, body, kind):
    users.add_machine(sign_in, "scanner", ("detect",))
    machine = users.machine_of(sign_in, "scanner")
    monkeypatch.setattr(tokens.urllib.request, "urlopen", answer(status, body))
    with pytest.raises(kind) as caught:
        tokens.ask_for_token(sign_in.url, machine)
    assert machine.secret not in str(caught.value)
    assert "\n" not in str(caught.value)


# --- what is deployed


def test_an_application_without_its_edge(monkeypatch):
    monkeypatch.setattr("edgetrain.client.sign_in.read_outputs", lambda _: {"UserPoolId": "p", "SignInUrl": "u"})

    class Connection:
        def client(self, service: str) -> None: ...

    with pytest.raises(NotDeployed, match="no ApiId, AuthorizerId, WebUrl"):
        connect_sign_in(Connection())
