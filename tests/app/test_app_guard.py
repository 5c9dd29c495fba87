"""Who is let in: the cookie that the token gives, this host, our own page; and what the page may do."""

import pytest
from app_client import Client, Served


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("guard")) as app:
        yield app


def test_the_token_of_the_address_becomes_a_strict_cookie(served, page):
    client = Client(served.port)
    status, headers, body = client.enter()
    assert status == 200 and b"<title>covid3dgan</title>" in body
    flags = headers["set-cookie"].split("; ")[1:]
    assert flags == ["Path=/", "HttpOnly", "SameSite=Strict"] and served.client.token not in headers["set-cookie"]
    assert client.ask("GET", "/api/state")[0] == 200


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/app.js", "/api/state",
                                  "/api/state?token={token}"])
def test_without_the_right_token_or_cookie_nothing_is_shown(served, path):
    client = Client(served.port)
    status, headers, body = client.ask("GET", path.format(token=client.token), Cookie=f"covid3dgan-{served.port}=guess")
    assert status == 403 and b"open the address that the terminal shows" in body and "set-cookie" not in headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", None])
def test_another_host_is_refused_even_with_the_cookie(served, host):
    host = host and host.format(port=served.port)
    status, _, body = served.client.ask("GET", "/api/state", Host=host)
    assert status in (400, 403) and b"cases" not in body  # h11 itself refuses a request without Host


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"])
def test_a_foreign_origin_is_refused_even_with_the_cookie(served, origin):
    origin = origin.format(port=served.port)
    for method, path in (("GET", "/api/state"), ("POST", "/api/uploads")):
        status, _, body = served.client.ask(method, path, b'{"bytes": 1}' if method == "POST" else None, Origin=origin)
        assert status == 403 and b"only the app's own page may ask" in body


def test_a_change_without_an_origin_or_from_another_site_is_refused(served):
    assert served.client.ask("POST", "/api/uploads", b'{"bytes": 1}', Origin=None)[0] == 403
    assert served.client.ask("GET", "/api/state", Origin=None, Sec_Fetch_Site="cross-site")[0] == 403
    assert served.client.ask("GET", "/api/state", Origin=None, Sec_Fetch_Site="same-origin")[0] == 200


def test_every_answer_holds_the_page_to_itself(served, page):
    for path in ("/", "/app.js", "/api/state", "/api/cases/none", "/nothing"):
        _, headers, _ = served.client.ask("GET", path)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


def test_the_server_listens_on_this_machine_alone(served):
    sockets = [socket for server in served.server.servers for socket in server.sockets]
    assert {socket.getsockname()[0] for socket in sockets} == {"127.0.0.1"}
