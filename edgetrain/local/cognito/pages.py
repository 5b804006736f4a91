"""The pages that people see: plain forms, without scripts, in light and dark."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Final

from edgetrain.local.cognito.messages import NO_STORE
from edgetrain.local.wsgi import Reply

STYLE: Final = """
:root { color-scheme: light dark; --page: #f4f5f7; --card: #fff; --text: #1b1f24; --line: #6b7280; --act: #0b5cad;
  --on-act: #fff; --bad: #a61b1b; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1e2329; --text: #eceff3; --line: #8d96a3;
  --act: #7db8f5; --on-act: #0b1a2a; --bad: #ff9c9c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 1.5rem; background: var(--card); border-radius: .5rem; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { width: 100%; margin-top: .25rem; padding: .6rem; border: 1px solid var(--line); border-radius: .25rem;
  background: var(--card); color: var(--text); font: inherit; }
button { width: 100%; margin-top: 1.5rem; padding: .7rem; border: 0; border-radius: .25rem; background: var(--act);
  color: var(--on-act); font: inherit; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
[role=alert] { color: var(--bad); font-weight: 600; }
"""
STYLE_HASH: Final = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
#: Scheme, host and port of a URL that a client registered; of an app's own scheme, the scheme.
ORIGIN: Final = re.compile(r"(https?://[A-Za-z0-9.\[\]:-]+|[a-z][a-z0-9+.-]*:)")


def sign_in_page(action: str, csrf: str, redirect_uri: str, *, error: str = "", username: str = "") -> Reply:
    """The form for a name and a password."""
    fields = (
        _field("username", "Name or e-mail address", "text", "username", value=username, focus=not username)
        + _field("password", "Password", "password", "current-password", focus=bool(username))
    )  # fmt: skip
    return _form("Sign in", "Sign in", fields, action, {"_csrf": csrf}, redirect_uri, error)


def new_password_page(action: str, csrf: str, redirect_uri: str, step: str, *, error: str = "") -> Reply:
    """The form for a new password, which somebody's first sign-in wants."""
    fields = (
        _field("new_password", "New password", "password", "new-password", focus=True)
        + _field("new_password_again", "New password, again", "password", "new-password")
    )  # fmt: skip
    hidden = {"_csrf": csrf, "step": step}
    return _form("Choose a password", "Set password and sign in", fields, action, hidden, redirect_uri, error)


def code_page(action: str, csrf: str, redirect_uri: str, step: str, *, error: str = "") -> Reply:
    """The form for the code of an authenticator app."""
    fields = _field("code", "Code from your authenticator app", "text", "one-time-code", focus=True, numeric=True)
    hidden = {"_csrf": csrf, "step": step}
    return _form("Second step", "Sign in", fields, action, hidden, redirect_uri, error)


def error_page(sentence: str, status: int = 400) -> Reply:
    """Why the browser stays here."""
    return _page("That did not work", f'<h1>That did not work</h1><p role="alert">{escape(sentence)}</p>', "", status)


def _field(
    name: str, label: str, kind: str, fill: str, *, value: str = "", focus: bool = False, numeric: bool = False
) -> str:
    extra = (" autofocus" if focus else "") + (' inputmode="numeric" pattern="[0-9]*"' if numeric else "")
    plain = ' autocapitalize="none" spellcheck="false"' if kind == "text" else ""
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{fill}" value="{escape(value)}" required'
        f"{plain}{extra}>"
    )


def _form(
    title: str, button: str, fields: str, action: str, hidden: Mapping[str, str], redirect_uri: str, error: str
) -> Reply:
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    alert = f'<p role="alert">{escape(error)}</p>' if error else ""
    body = (
        f"<h1>{escape(title)}</h1>{alert}"
        f'<form method="post" action="{escape(action)}">{kept}{fields}<button type="submit">{escape(button)}</button></form>'
    )
    return _page(title, body, redirect_uri, 200)


def _page(title: str, body: str, redirect_uri: str, status: int) -> Reply:
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)} - Edgetrain</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
    return Reply.of(status, document.encode(), "text/html; charset=utf-8", {**NO_STORE, **_guards(redirect_uri)})


def _guards(redirect_uri: str) -> dict[str, str]:
    """Strict headers. A form's target includes where its answer redirects to, so the client's origin is named."""
    origin = ORIGIN.match(redirect_uri)
    targets = f"'self' {origin.group(1)}" if origin else "'self'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; form-action {targets}; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
