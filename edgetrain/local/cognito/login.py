"""`/oauth2/authorize`, `/login` and `/logout`: what a person's browser is sent through."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from edgetrain.local.cognito import pages
from edgetrain.local.cognito.authorization import (
    PARAMETERS,
    Authorization,
    NobodyToAnswer,
    known_client,
    read_authorization,
)
from edgetrain.local.cognito.messages import cookie_of, form_of, query_of, redirect, set_cookie
from edgetrain.local.cognito.people import (
    NEW_PASSWORD,
    TOTP,
    NotSignedIn,
    check_code,
    check_password,
    second_factor,
    set_password,
)
from edgetrain.local.cognito.pools import find_pool, user_by_sub
from edgetrain.local.cognito.state import SESSION_SECONDS, Code, Session, SignInState, Step
from edgetrain.local.cognito.tokens import Grant, new_origin
from edgetrain.local.loopback import Loopback
from edgetrain.local.wsgi import Reply, Request

LOGIN: Final = "/login"
#: Who is signed in, at this host and for all its clients of one pool.
SESSION_COOKIE: Final = "cognito"
#: Beside a hidden field of the same value: another site's form cannot have both.
CSRF_COOKIE: Final = "XSRF-TOKEN"
STALE: Final = "This form is too old, or your browser kept no cookie. Try again."


class Login:
    """The sign-in page and what leads to it and away from it."""

    def __init__(self, state: SignInState, clients: Loopback) -> None:
        self._state = state
        self._clients = clients

    def authorize(self, request: Request) -> Reply:
        """`GET /oauth2/authorize`: a code for who is signed in already, else the sign-in page."""
        parameters = query_of(request)
        asked = read_authorization(parameters)
        session = self._session(request)
        if session is not None and session.pool_id == asked.client.pool.id:
            return asked.redirect({"code": self._code(asked, session)})
        return redirect(_login_url(parameters))

    def login(self, request: Request) -> Reply:
        """`GET /login` shows the form, `POST /login` takes it."""
        parameters = query_of(request)
        asked = read_authorization(parameters)
        action = _login_url(parameters)
        if request.method != "POST":
            csrf = secrets.token_urlsafe()
            return _with_cookies(pages.sign_in_page(action, csrf, asked.redirect_uri), _csrf_cookie(csrf))
        form = form_of(request)
        csrf = cookie_of(request, CSRF_COOKIE)
        if not csrf or not hmac.compare_digest(csrf.encode(), form.get("_csrf", "").encode()):
            csrf = secrets.token_urlsafe()
            page = pages.sign_in_page(action, csrf, asked.redirect_uri, error=STALE)
            return _with_cookies(page, _csrf_cookie(csrf))
        if "step" in form:
            return self._second(asked, action, csrf, form)
        return self._first(asked, action, csrf, form)

    def _first(self, asked: Authorization, action: str, csrf: str, form: Mapping[str, str]) -> Reply:
        """A name and a password."""
        name = form.get("username", "").strip()
        try:
            user, wanted = check_password(asked.client, name, form.get("password", ""), self._state.clock)
        except NotSignedIn as refused:
            return pages.sign_in_page(action, csrf, asked.redirect_uri, error=str(refused), username=name)
        if wanted is not None:
            return self._ask(asked, action, csrf, user, wanted)
        return self._welcome(asked, user)

    def _ask(self, asked: Authorization, action: str, csrf: str, user: Any, wanted: str, error: str = "") -> Reply:
        """The form of the next step."""
        step = self._state.steps.keep(Step(sub=user.id, wanted=wanted))
        page = pages.code_page if wanted == TOTP else pages.new_password_page
        return page(action, csrf, asked.redirect_uri, step, error=error)

    def _second(self, asked: Authorization, action: str, csrf: str, form: Mapping[str, str]) -> Reply:
        """A new password, or an authenticator's code. A step can be tried once; a wrong try makes another."""
        step = self._state.steps.take(form["step"])
        pool = asked.client.pool
        user = None if step is None else user_by_sub(pool, step.sub)
        if step is None or user is None:
            return pages.sign_in_page(action, csrf, asked.redirect_uri, error=STALE)
        wanted: str | None = step.wanted
        try:
            if wanted == NEW_PASSWORD:
                new, again = form.get("new_password", ""), form.get("new_password_again", "")
                set_password(self._clients, pool, user, new, again)
                wanted = second_factor(pool, user)
                if wanted is not None:
                    return self._ask(asked, action, csrf, user, wanted)
            elif not check_code(form.get("code", "").strip(), self._state.clock):
                # Back to the password: a code has a million values, and guessing them must cost a password each.
                return pages.sign_in_page(
                    action, csrf, asked.redirect_uri, error="Invalid code.", username=user.username
                )
        except NotSignedIn as refused:
            return self._ask(asked, action, csrf, user, step.wanted, str(refused))
        return self._welcome(asked, user)

    def _welcome(self, asked: Authorization, user: Any) -> Reply:
        """Back to the client with a code; the next time nobody asks for a password."""
        session = Session(pool_id=asked.client.pool.id, sub=user.id, auth_time=int(self._state.clock()))
        name = self._state.sessions.keep(session)
        cookie = set_cookie(SESSION_COOKIE, name, seconds=SESSION_SECONDS, path="/")
        return asked.redirect({"code": self._code(asked, session)}, (cookie, _csrf_cookie("", seconds=0)))

    def _code(self, asked: Authorization, session: Session) -> str:
        grant = Grant(
            pool_id=session.pool_id,
            client_id=asked.client.id,
            sub=session.sub,
            scopes=asked.scopes,
            auth_time=session.auth_time,
            nonce=asked.nonce,
            origin=new_origin(),
        )
        return self._state.codes.keep(Code(grant=grant, redirect_uri=asked.redirect_uri, challenge=asked.challenge))

    def _session(self, request: Request) -> Session | None:
        """Who is signed in with this browser and still may be."""
        session = self._state.sessions.look(cookie_of(request, SESSION_COOKIE))
        if session is None:
            return None
        pool = find_pool(session.pool_id)
        return session if pool is not None and user_by_sub(pool, session.sub) is not None else None

    def logout(self, request: Request) -> Reply:
        """`GET /logout`: the session ends; on to a sign-out URL of the client, or to its sign-in page."""
        parameters = query_of(request)
        client = known_client(parameters)
        goodbye = set_cookie(SESSION_COOKIE, "", seconds=0, path="/")
        if "logout_uri" in parameters:
            if parameters["logout_uri"] not in client.logouts:
                raise NobodyToAnswer("redirect_mismatch: the sign-out URL is none that the client registered")
            target = parameters["logout_uri"]
        else:
            read_authorization(parameters)
            target = _login_url(parameters)
        self._state.sessions.take(cookie_of(request, SESSION_COOKIE))
        return redirect(target, (goodbye,))


def _login_url(parameters: Mapping[str, str]) -> str:
    """The sign-in page with what the request asks for."""
    return f"{LOGIN}?{urlencode({name: parameters[name] for name in PARAMETERS if name in parameters})}"


def _csrf_cookie(value: str, seconds: int = SESSION_SECONDS) -> str:
    return set_cookie(CSRF_COOKIE, value, seconds=seconds, path=LOGIN)


def _with_cookies(reply: Reply, *cookies: str) -> Reply:
    return Reply(reply.status, reply.headers, reply.body, cookies)
