"""What the page may do, and what loading it costs."""

import re

import requests

FIRST_LOAD_BYTES = 200_000


def policy_of(url):
    text = requests.get(url, timeout=60).headers["Content-Security-Policy"]
    return dict(part.strip().split(" ", 1) for part in text.split(";") if part.strip())


def test_the_policy_is_strict(site):
    policy = policy_of(site.url)
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert (policy["object-src"], policy["base-uri"], policy["frame-ancestors"]) == ("'none'",) * 3
    assert "unsafe-inline" not in str(policy)
    assert "'unsafe-eval'" not in str(policy)
    hosts = [word for words in policy.values() for word in words.split() if word.startswith("http")]
    assert all(host.startswith("http://127.0.0.1:") for host in hosts), hosts


def test_the_policy_holds_in_the_browser(see, watch):
    """What it forbids does not happen: a script of its own, a request elsewhere, a page around it."""
    page = see()
    watch.expect("net::ERR_BLOCKED_BY_CSP")
    blocked = page.page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.textContent = "window.__injected = true";
            document.head.append(script);
            const elsewhere = await fetch("https://example.org/").then(() => "answered", () => "blocked");
            return [window.__injected ?? false, elsewhere];
        }"""
    )
    assert blocked == [False, "blocked"]
    assert {text.split(":")[0] for text in page.violations()} == {"script-src-elem", "connect-src"}
    page.page.evaluate("() => { window.__violations.length = 0 }")
    watch.errors[:] = [error for error in watch.errors if "Content Security Policy" not in error]


def test_headers_of_every_file(site):
    page = requests.get(site.url, timeout=60)
    files = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text)
    assert len(files) >= 3
    for reply in [page, *(requests.get(f"{site.url}/{name}", timeout=60) for name in files)]:
        assert reply.status_code == 200
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"]
        assert reply.headers["Content-Security-Policy"]
    assert "no-cache" in page.headers["Cache-Control"]


def test_the_first_load_is_small(visit):
    """Everything up to the button `Sign in`, compressed as it comes over the wire; the runtime comes when somebody asks for it."""
    page = visit()
    page.page.get_by_role("button", name="Sign in", exact=True).wait_for()
    page.page.wait_for_load_state("networkidle")
    sizes = page.page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .map((entry) => [entry.name, entry.transferSize])"""
    )
    assert len(sizes) >= 4
    assert sum(size for _, size in sizes) < FIRST_LOAD_BYTES
    assert not [name for name, _ in sizes if name.endswith(".wasm")]
