"""Signing in by a browser: the endpoint, the forms, the session."""

from html import unescape
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.unit.local.cognito.conftest import CALLBACK, PASSWORD, Browser, Form, answer_of, document, location, text

NEW = "Another-horse-2"


def test_from_the_endpoint_to_a_code(world):
    world.person()
    first = world.browser.get("/oauth2/authorize", **world.asked())
    assert urlsplit(location(first)).path == "/login"
    asked = {name: values[0] for name, values in parse_qs(urlsplit(location(first)).query).items()}
    assert asked == world.asked(), "the page is handed what was asked"
    last = world.browser.submit(world.browser.get(location(first)), username="ann", password=PASSWORD)
    assert location(last).startswith(f"{CALLBACK}?code=")
    assert answer_of(last).keys() == {"code", "state"}
    assert answer_of(last)["state"] == "xyz"


def test_who_is_signed_in_is_not_asked_again_until_they_leave(world):
    world.person()
    world.browser.sign_in(**world.asked())
    again = world.browser.get("/oauth2/authorize", **world.asked(state="second"))
    assert answer_of(again)["state"] == "second"
    bye = world.browser.get("/logout", client_id=world.web, logout_uri=CALLBACK)
    assert location(bye) == CALLBACK
    assert location(world.browser.get("/oauth2/authorize", **world.asked())).startswith("/login?")


def test_leaving_ends_the_session_itself_and_not_the_cookie_alone(world):
    world.person()
    world.browser.sign_in(**world.asked())
    stolen = Browser(world.front, dict(world.browser.cookies))
    world.browser.get("/logout", client_id=world.web, logout_uri=CALLBACK)
    assert location(stolen.get("/oauth2/authorize", **world.asked())).startswith("/login?")


def test_a_session_ends_after_an_hour(world):
    world.person()
    world.browser.sign_in(**world.asked())
    world.clock.now += 3_599
    assert "code" in answer_of(world.browser.get("/oauth2/authorize", **world.asked()))
    world.clock.now += 1
    assert location(world.browser.get("/oauth2/authorize", **world.asked())).startswith("/login?")


@pytest.mark.parametrize("operation", ["admin_delete_user", "admin_disable_user", "admin_user_global_sign_out"])
def test_who_is_sent_away_has_no_session(world, operation):
    world.person()
    world.browser.sign_in(**world.asked())
    getattr(world.idp, operation)(UserPoolId=world.pool, Username="ann")
    assert location(world.browser.get("/oauth2/authorize", **world.asked())).startswith("/login?")


def test_a_session_of_somebody_who_is_gone_is_none(world):
    """However they went."""
    sub = world.person()
    world.browser.sign_in(**world.asked())
    world.record(sub).enabled = False
    assert location(world.browser.get("/oauth2/authorize", **world.asked())).startswith("/login?")


def test_a_session_is_for_its_own_pool(world, request):
    world.person()
    world.browser.sign_in(**world.asked())
    pool = world.idp.create_user_pool(PoolName="others")["UserPool"]["Id"]
    world.idp.create_user_pool_domain(UserPoolId=pool, Domain=f"others-{pool[-12:]}")
    client = world.idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="web",
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[CALLBACK],
    )["UserPoolClient"]["ClientId"]
    reply = world.browser.get("/oauth2/authorize", **world.asked(client_id=client, scope="openid"))
    assert location(reply).startswith("/login?")


def test_cookies_are_for_no_script_and_no_other_site(world):
    world.person()
    reply = world.browser.sign_in(**world.asked())
    session = next(cookie for cookie in reply.cookies if cookie.startswith("cognito="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"} <= {part.strip() for part in session.split(";")}


# --- what is refused


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("ann", ""), ("", ""), ("ann", PASSWORD + " ")]
)
def test_a_wrong_password_and_an_unknown_name_look_alike(world, name, password):
    world.person()
    page = world.browser.sign_in(name, password, **world.asked())
    assert page.status == 200
    assert "Incorrect username or password." in Form(text(page)).text
    assert "cognito" not in world.browser.cookies
    assert password == "" or password not in text(page)


def test_a_client_that_hides_nobody_says_that_there_is_no_such_person(world):
    world.idp.update_user_pool_client(UserPoolId=world.pool, ClientId=world.web, PreventUserExistenceErrors="LEGACY")
    page = world.browser.sign_in("nobody", PASSWORD, **world.asked())
    assert "User does not exist." in Form(text(page)).text


def test_somebody_without_a_password_cannot_sign_in_with_none(world):
    world.idp.admin_create_user(UserPoolId=world.pool, Username="ann", MessageAction="SUPPRESS")
    assert "Incorrect username or password." in text(world.browser.sign_in("ann", "", **world.asked()))


def test_who_is_disabled_is_told_so(world):
    world.person()
    world.idp.admin_disable_user(UserPoolId=world.pool, Username="ann")
    assert "User is disabled." in text(world.browser.sign_in(**world.asked()))


@pytest.mark.parametrize("name", ["ANN", "ann@example.org", "Ann@Example.org"])
def test_names_are_compared_whatever_the_case_and_by_verified_address(world, name):
    world.person(email="ann@example.org", email_verified="true")
    assert "code" in answer_of(world.browser.sign_in(name, **world.asked()))


def test_a_name_is_found_however_it_was_written_when_it_was_made(world):
    world.person("Ann")
    assert "code" in answer_of(world.browser.sign_in("ann", **world.asked()))


def test_an_address_that_is_not_verified_is_no_name(world):
    world.person(email="ann@example.org", email_verified="false")
    assert "Incorrect" in text(world.browser.sign_in("ann@example.org", **world.asked()))


@pytest.mark.parametrize("token", [None, "", "guess"])
def test_a_form_of_another_site_is_refused(world, token):
    world.person()
    page = world.browser.get("/login", **world.asked())
    fields = {"username": "ann", "password": PASSWORD} | ({} if token is None else {"_csrf": token})
    reply = world.browser.ask("POST", Form(text(page)).action, fields)
    assert reply.status == 200
    assert "too old" in text(reply)


def test_without_its_cookie_a_form_is_refused(world):
    world.person()
    page = world.browser.get("/login", **world.asked())
    world.browser.cookies.clear()
    assert "too old" in text(world.browser.submit(page, username="ann", password=PASSWORD))


def test_no_cookie_and_no_token_are_not_the_same_token(world):
    world.person()
    page = world.browser.get("/login", **world.asked())
    world.browser.cookies.clear()
    assert "too old" in text(world.browser.submit(page, username="ann", password=PASSWORD, _csrf=""))


# --- first sign-in


def test_a_password_of_somebody_elses_choice_is_replaced(world):
    world.person(permanent=False)
    page = world.browser.sign_in(**world.asked())
    assert "Choose a password" in Form(text(page)).text
    assert "cognito" not in world.browser.cookies
    reply = world.browser.submit(page, new_password=NEW, new_password_again=NEW)
    assert "code" in answer_of(reply)
    fresh = Browser(world.front)
    assert "Incorrect" in text(fresh.sign_in(**world.asked()))
    assert "code" in answer_of(fresh.sign_in("ann", NEW, **world.asked()))


@pytest.mark.parametrize(
    ("new", "again", "said"),
    [(NEW, NEW + "x", "not the same"), ("short", "short", "not long enough"), ("a" * 20, "a" * 20, "uppercase")],
)
def test_a_bad_new_password_is_asked_for_again(world, new, again, said):
    world.person(permanent=False)
    page = world.browser.submit(world.browser.sign_in(**world.asked()), new_password=new, new_password_again=again)
    assert said in Form(text(page)).text
    assert "code" in answer_of(world.browser.submit(page, new_password=NEW, new_password_again=NEW))


def test_the_step_of_a_new_password_is_taken_once_and_in_time(world):
    world.person(permanent=False)
    page = world.browser.sign_in(**world.asked())
    world.clock.now += 180
    late = world.browser.submit(page, new_password=NEW, new_password_again=NEW)
    assert "too old" in text(late)
    page = world.browser.sign_in(**world.asked())
    world.browser.submit(page, new_password=NEW, new_password_again=NEW)
    assert "too old" in text(world.browser.submit(page, new_password=PASSWORD, new_password_again=PASSWORD))


def test_a_step_that_went_wrong_is_spent(world):
    world.person(permanent=False)
    page = world.browser.sign_in(**world.asked())
    world.browser.submit(page, new_password="short", new_password_again="short")
    assert "too old" in text(world.browser.submit(page, new_password=NEW, new_password_again=NEW))


@pytest.mark.parametrize(("seconds", "taken"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_second_factor_is_wanted_of_who_has_one(world, seconds, taken):
    from moto.cognitoidp.models import COGNITO_TOTP_MFA_SECRET
    from moto.cognitoidp.utils import cognito_totp

    world.record(world.person()).software_token_mfa_enabled = True
    page = world.browser.sign_in(**world.asked())
    assert "authenticator" in Form(text(page)).text
    assert "cognito" not in world.browser.cookies
    page = world.browser.submit(page, code="not a code")
    assert "Invalid code." in Form(text(page)).text
    page = world.browser.submit(page, username="ann", password=PASSWORD)
    code = cognito_totp(COGNITO_TOTP_MFA_SECRET).generate(int(world.clock.now) + seconds).decode()
    reply = world.browser.submit(page, code=code)
    assert ("code" in answer_of(reply)) if taken else ("Invalid code." in text(reply))


def test_a_temporary_password_ends(world):
    world.person(permanent=False)
    world.clock.now += 3 * 86_400 + 3_600
    assert "Temporary password has expired" in text(world.browser.sign_in(**world.asked()))


# --- whose request it is


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "http://evil.example/"},
        {"redirect_uri": "http://127.0.0.1:4567"},
        {"redirect_uri": "http://127.0.0.1:4567//evil.example/"},
        {"redirect_uri": "http://127.0.0.1:4567/?next=http://evil.example/"},
        {"redirect_uri": "http://127.0.0.1:4567/@evil.example/"},
        {"redirect_uri": "http://127.0.0.1:4567/#evil"},
        {"redirect_uri": "http://127.0.0.1:4567/\r\nSet-Cookie: a=b"},
        {"redirect_uri": "//evil.example/"},
    ],
)
@pytest.mark.parametrize("path", ["/oauth2/authorize", "/login"])
def test_a_browser_is_never_sent_where_nobody_registered(world, path, changes):
    reply = world.browser.get(path, **world.asked(**changes))
    assert reply.status == 400
    assert "Location" not in reply.headers
    assert "<script" not in text(reply)


@pytest.mark.parametrize("path", ["/oauth2/authorize", "/login", "/logout"])
def test_a_parameter_that_is_given_twice_is_refused(world, path):
    query = urlencode(world.asked()) + "&redirect_uri=" + quote("http://evil.example/")
    reply = world.browser.ask("GET", f"{path}?{query}")
    assert reply.status == 400
    assert "Location" not in reply.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "id_token"}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "edgetrain/admin"}, "invalid_scope"),
        ({"scope": "openid made-up"}, "invalid_scope"),
        ({"identity_provider": "Google"}, "invalid_request"),
    ],
)
@pytest.mark.parametrize("path", ["/oauth2/authorize", "/login"])
def test_other_faults_are_told_to_the_client(world, path, changes, error):
    reply = world.browser.get(path, **world.asked(**changes))
    assert location(reply).startswith(f"{CALLBACK}?error=")
    assert answer_of(reply) == {"error": error, "state": "xyz"}


def test_without_scope_all_that_the_client_may_have(world):
    world.person()
    tokens = world.redeem(world.code(scope=None))
    assert set(world.claims(document(tokens)["access_token"])["scope"].split()) == {
        "openid",
        "edgetrain/detect",
        "edgetrain/contribute",
    }


def test_a_client_without_the_code_flow_is_told_so(world):
    world.idp.update_user_pool_client(
        UserPoolId=world.pool, ClientId=world.web, AllowedOAuthFlowsUserPoolClient=False, CallbackURLs=[CALLBACK]
    )
    assert answer_of(world.browser.get("/oauth2/authorize", **world.asked()))["error"] == "unauthorized_client"


def test_a_pool_without_a_domain_has_no_sign_in_page(own_world):
    own_world.idp.delete_user_pool_domain(UserPoolId=own_world.pool, Domain=f"edgetrain-{own_world.pool[-12:]}")
    assert own_world.browser.get("/oauth2/authorize", **own_world.asked()).status == 400


@pytest.mark.parametrize(
    "state", ["a\r\nSet-Cookie: b=c", "x&code=forged", "\u00e9\u4e2d\U0001f600", "a b+c%20", "#frag"]
)
def test_a_state_comes_back_as_it_was_and_breaks_no_header(world, state):
    world.person()
    reply = world.browser.sign_in(**world.asked(state=state))
    assert not {"\r", "\n"} & set(location(reply))
    assert location(reply).isascii()
    assert answer_of(reply)["state"] == state
    assert parse_qs(urlsplit(location(reply)).query)["code"] != ["forged"]


@pytest.mark.parametrize("name", ["state", "nonce", "code_challenge", "scope", "username"])
def test_what_is_shown_is_text(world, name):
    attack = '"><script>alert(1)</script>'
    if name == "username":
        page = world.browser.submit(world.browser.get("/login", **world.asked()), username=attack, password="x")
    else:
        page = world.browser.get("/login", **world.asked(**{name: attack}))
        if page.status == 302:
            assert "<" not in location(page)
            return
    assert "<script" not in text(page)
    assert Form(text(page)).action.startswith("/login?")
    if name == "username":
        assert Form(text(page)).fields["username"] == attack


def test_a_page_allows_nothing_but_its_own_style_and_the_way_back(world):
    page = world.browser.get("/login", **world.asked())
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["form-action"] == "'self' http://127.0.0.1:4567"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["img-src"] == "data:", "the icon of no picture: browsers ask for one otherwise"
    assert policy.keys() == {"default-src", "style-src", "img-src", "form-action", "base-uri", "frame-ancestors"}
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_the_style_is_the_one_that_the_policy_names(world):
    import base64
    import hashlib

    page = world.browser.get("/login", **world.asked())
    style = unescape(text(page)).split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["Content-Security-Policy"]


def test_every_field_has_a_label(world):
    page = text(world.browser.get("/login", **world.asked()))
    for name in ("username", "password"):
        assert f'<label for="{name}">' in page
        assert f'id="{name}"' in page
    assert '<html lang="en">' in page
    assert "<title>Sign in" in page


# --- leaving


@pytest.mark.parametrize(
    "query",
    [
        {"logout_uri": "http://evil.example/"},
        {"logout_uri": CALLBACK + "x"},
        {"redirect_uri": "http://evil.example/", "response_type": "code"},
        {},
    ],
)
def test_leaving_never_leads_where_nobody_registered(world, query):
    world.person()
    world.browser.sign_in(**world.asked())
    reply = world.browser.get("/logout", client_id=world.web, **query)
    assert reply.status == 400
    assert "code" in answer_of(world.browser.get("/oauth2/authorize", **world.asked())), "and leaves the session alone"


def test_leaving_for_another_sign_in(world):
    world.person()
    world.browser.sign_in(**world.asked())
    reply = world.browser.get("/logout", **world.asked())
    assert location(reply).startswith("/login?")
    assert location(world.browser.get("/oauth2/authorize", **world.asked())).startswith("/login?")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/oauth2/authorize"), ("PUT", "/login"), ("POST", "/logout"), ("GET", "/oauth2/token")],
)
def test_other_methods_are_not_known(world, method, path):
    reply = world.browser.ask(method, path)
    assert reply.status == 405
    assert reply.headers["Allow"]
