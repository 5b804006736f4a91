"""Lines of access logs."""

import json

from edgetrain.local.http_api.access_log import AccessLog, call_values, known_values, line
from tests.unit.local.http_api.conftest import make_call


def test_variables():
    values = {**call_values(make_call()), "status": 200, "authorizer.claims.sub": "somebody"}
    form = "$context.identity.sourceIp [$context.requestTime] $context.status $context.authorizer.claims.sub $context.requestId."
    assert line(form, values) == "192.0.2.1 [12/Mar/2020:19:03:58 +0000] 200 somebody JKJaXmPLvHcESHA=."


def test_what_there_is_not():
    assert line("$context.routeKey $context.nothing", {"routeKey": None}) == "- -"


def test_a_value_cannot_break_out_of_a_line():
    agent = 'x", "status": "200\n'
    form = '{"agent": "$context.identity.userAgent", "status": "$context.status"}'
    written = line(form, {"identity.userAgent": agent, "status": 500})
    assert json.loads(written) == {"agent": agent, "status": "500"}
    assert line("$context.path", {"path": "/a\nb"}) == "/a b"


def test_two_names():
    values = known_values({"integrationLatency": 7}, {"sub": "somebody"})
    form = "$context.integrationLatency $context.integration.latency $context.authorizer.claims.sub $context.accountId"
    assert line(form, {**call_values(make_call()), **values}) == "7 7 somebody 123456789012"


def test_lines_are_in_the_order_of_their_times():
    written = []
    clock = iter([5_000_000, 3_000_000, 7_999_999])
    log = AccessLog(
        lambda group, _stream, events: written.extend((group, *event) for event in events), lambda: next(clock)
    )
    for text in ("a", "b", "c"):
        log.write("g", text)
    log.close()
    assert written == [("g", 5, "a"), ("g", 5, "b"), ("g", 7, "c")]
