"""`edgetrain users` and `edgetrain token`."""

import pytest

from edgetrain.client import sign_in as client_sign_in
from edgetrain.client import tokens, user_documents
from tests.unit.fakes.sign_in import FakeGateway, UserPoolCloud

PASSWORD = "Correct-horse-1"


@pytest.fixture(scope="module")
def pools():
    return UserPoolCloud()


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture
def deployed(pools, gateway, process, monkeypatch, tmp_path):
    """What is deployed in the cloud that runs on the data directory."""
    process.start(tmp_path / "cloud")
    made = pools.sign_in(gateway)
    monkeypatch.setattr(client_sign_in, "connect_sign_in", lambda _connection: made)
    monkeypatch.setattr(tokens, "connect_sign_in", lambda _connection: made)
    monkeypatch.setattr(tokens.urllib.request, "urlopen", pools.urlopen)
    return made


def test_a_script_gets_a_token_and_nothing_else_is_printed(edgetrain_, deployed):
    assert "edgetrain token scanner" in edgetrain_("users", "add", "scanner", "--scopes", "detect,contribute").stdout
    outcome = edgetrain_("token", "scanner")
    assert outcome.code == 0
    assert outcome.stderr == ""
    assert outcome.stdout.count("\n") == 1
    assert outcome.stdout.strip().count(".") == 2
    assert outcome.stdout.strip() == outcome.stdout.rstrip("\n")


def test_add_as_a_document(edgetrain_, deployed):
    outcome = edgetrain_("users", "add", "scanner", "--scopes", " detect , admin,", "--json")
    told = user_documents.MachineDocument.model_validate(outcome.document)
    assert (told.name, told.scopes, told.admitted) == ("scanner", ("detect", "admin"), True)
    assert "secret" not in outcome.stdout.lower()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("users", "add", "scanner", "--scopes", "fly"), "expected some of detect, contribute, admin"),
        (("users", "add", "scanner", "--scopes", ","), "expected some of detect, contribute, admin"),
        (("users", "add", "a b"), "name is 'a b'"),
        (("users", "add", "ann"), "there is a user ann already"),
        (("users", "invite", "ann"), "there is a user ann already"),
        (("users", "invite", "bob", "--email", "nowhere"), "email is 'nowhere'"),
        (("users", "remove", "zed"), "there is no user 'zed'"),
        (("token", "zed"), "there is no user 'zed'"),
        (("token", "ann"), "is a person"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(edgetrain_, deployed, words, said):
    edgetrain_("users", "invite", "ann")
    outcome = edgetrain_(*words)
    assert outcome.code == 2
    assert said in outcome.sentence
    assert outcome.stdout == ""


def test_a_second_add_is_refused(edgetrain_, deployed, gateway):
    assert edgetrain_("users", "add", "scanner").code == 0
    assert edgetrain_("users", "add", "scanner").code == 2
    assert len(gateway.audience) == 2


def test_invite_tells_the_password_once(edgetrain_, deployed):
    outcome = edgetrain_("users", "invite", "ann", "--email", "ann@example.org", "--json")
    told = user_documents.InvitedDocument.model_validate(outcome.document)
    assert told.web == "http://127.0.0.1:4567"
    assert told.password not in edgetrain_("users", "list", "--json").stdout
    assert "with the password" in edgetrain_("users", "invite", "bob").stdout


def test_a_password_comes_from_standard_input(edgetrain_, deployed):
    outcome = edgetrain_("users", "invite", "ann", "--password-stdin", stdin=PASSWORD + "\n")
    assert outcome.code == 0
    assert PASSWORD not in outcome.stdout + outcome.stderr
    empty = edgetrain_("users", "invite", "bob", "--password-stdin", stdin="\n")
    assert (empty.code, "no password" in empty.sentence) == (2, True)
    weak = edgetrain_("users", "invite", "bob", "--password-stdin", stdin="short\n")
    assert (weak.code, "bob was not invited" in weak.sentence) == (2, True)


def test_list_shows_who_is_locked_out_and_sync_lets_them_in(edgetrain_, deployed, gateway):
    assert "users invite NAME" in edgetrain_("users", "list").stderr
    edgetrain_("users", "add", "scanner")
    edgetrain_("users", "invite", "ann", "--email", "ann@example.org")
    shown = edgetrain_("users", "list").stdout
    assert "ann@example.org" in shown
    assert "admitted" in shown
    gateway.audience.pop()
    locked = edgetrain_("users", "list")
    assert "locked out" in locked.stdout
    assert "users sync" in locked.stderr
    assert edgetrain_("users", "sync", "--json").document == {"admitted": ["scanner"]}
    assert "already" in edgetrain_("users", "sync").stderr
    told = user_documents.UsersDocument.model_validate(edgetrain_("users", "list", "--json").document)
    assert [each.admitted for each in told.machines] == [True]


def test_remove(edgetrain_, deployed):
    edgetrain_("users", "add", "scanner")
    assert "removed" in edgetrain_("users", "remove", "scanner").stdout
    assert edgetrain_("users", "list", "--json").document == {"people": [], "machines": []}


def test_without_a_cloud(edgetrain_, process):
    for words in (("users", "list"), ("token", "scanner")):
        outcome = edgetrain_(*words)
        assert (outcome.code, "no embedded cloud runs" in outcome.sentence) == (2, True)
