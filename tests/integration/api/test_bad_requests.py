"""The table of bad requests (tests/unit/api/bad_requests.py) over HTTP: each row through gateway, function and endpoint."""

import http.client
import json
from collections import Counter
from urllib.parse import urlsplit

import pytest

from tests.unit.api.bad_requests import ROWS

GATEWAY = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 413: "Request Entity Too Large"}
#: Some go through the web app's address too, where CloudFront stands before the gateway.
BELOW_THE_PAGE = [row for index, row in enumerate(ROWS) if index % 9 == 0]


class Sent:
    """An answer. The request was written by hand: what a client would mend stays broken."""

    def __init__(self, url, row, headers):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        try:
            connection.putrequest(row.method, parts.path + row.path, skip_accept_encoding=True)
            for name, value in {**row.headers, **headers, "content-length": str(len(row.body))}.items():
                connection.putheader(name, value)
            connection.endheaders(row.body)
            reply = connection.getresponse()
            self.status, self.headers = reply.status, reply.headers
            self.text = reply.read().decode()
        finally:
            connection.close()

    @property
    def document(self):
        return json.loads(self.text)


def check(sent, row):
    assert sent.status == row.status, sent.text
    assert sent.headers["Content-Type"] == "application/json"
    if not row.ours:
        assert sent.document == {"message": GATEWAY[row.status]}
    elif row.code is not None:
        assert set(sent.document) == {"error"}
        assert sent.document["error"]["code"] == row.code
        assert sent.document["error"]["message"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row(api, authorization, row):
    check(Sent(api.url, row, authorization(row.token)), row)


@pytest.mark.parametrize("row", BELOW_THE_PAGE, ids=lambda row: row.name)
def test_a_row_through_the_web_apps_address(api, authorization, row):
    check(Sent(f"{api.outputs.needed('web_url')}/api", row, authorization(row.token)), row)


def test_the_table_is_long_and_has_no_fault_of_ours():
    wrong = [row for row in ROWS if row.status >= 400]
    assert len(wrong) >= 40
    assert max(row.status for row in ROWS) < 500
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []
