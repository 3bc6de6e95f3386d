# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation authenticates with an API key or RevealX 360 client credentials, and shows them nowhere else."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from support.vpn_logs import plain_rows, write_log

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "/oauth2/token"
OBSERVATIONS = "/api/v1/observations/associatedipaddrs"
ODD_SECRETS = [
    "p%a+s/s=w&o?r#d",
    "q\"u'o\\te",
    "Zürich-Geheimnis",
    "пароль-длинный",
    "white  space",
    "{{ braces }}",
    "$(id)`id`",
    "😀-emoji-key",
]


@pytest.fixture
def oauth(upload, emulator):
    """Runs the module with client credentials."""
    variables = emulator.environment()
    credentials = {"client_id": variables["EXTRAHOP_CLIENT_ID"], "client_secret": variables["EXTRAHOP_CLIENT_SECRET"]}

    def run(**options):
        return upload(**{"api_key": None, **credentials, **options})

    return run


@pytest.fixture
def many(tmp_path):
    return write_log(tmp_path / "many.csv", *plain_rows(12))


class TestApiKey:
    @pytest.mark.parametrize("key", ODD_SECRETS)
    def test_any_text_can_be_the_key(self, upload, emulator, log, key):
        upload(path=log, api_key=key)
        (request,) = emulator.requests()
        sent = request["headers"]["Authorization"].encode("utf-8", "surrogateescape")
        assert sent == f"ExtraHop apikey={key}".encode()

    def test_white_space_around_it_does_not_count(self, upload, extrahop, log):
        """Keys are read from files, which end with a line break."""
        assert not upload(path=log, api_key=f" {extrahop['api_key']}\n").failed

    def test_a_wrong_key_is_tried_once(self, upload, emulator, log):
        upload(path=log, api_key="not-the-right-key")
        assert len(emulator.requests()) == 1

    def test_nothing_is_recorded_of_a_refused_upload(self, upload, emulator, log):
        upload(path=log, api_key="not-the-right-key")
        run = upload(path=log)
        assert run["counts"]["uploaded"] == 7
        assert run.warnings == []
        assert emulator.state["extrahop"]["observations"]["duplicates"] == 0


class TestEnvironment:
    @pytest.fixture
    def bare(self, upload, emulator, monkeypatch):
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        return lambda **options: upload(**{"host": None, "ca_path": None, "api_key": None, **options})

    def test_the_whole_connection_can_be_in_the_environment(self, bare, emulator, log):
        assert bare(path=log)["counts"]["uploaded"] == 7
        assert emulator.requests(kind="token") == [], "the key comes first"

    def test_client_credentials(self, bare, emulator, log, monkeypatch):
        monkeypatch.delenv("EXTRAHOP_API_KEY")
        assert bare(path=log)["counts"]["uploaded"] == 7
        assert len(emulator.requests(kind="token")) == 1

    def test_the_task_comes_first(self, bare, emulator, log, monkeypatch):
        monkeypatch.setenv("EXTRAHOP_API_KEY", "key-of-another-appliance")
        variables = emulator.environment()
        run = bare(path=log, client_id=variables["EXTRAHOP_CLIENT_ID"], client_secret=variables["EXTRAHOP_CLIENT_SECRET"])
        assert run["counts"]["uploaded"] == 7
        assert len(emulator.requests(kind="token")) == 1

    def test_the_key_of_the_task_beside_client_credentials_there(self, bare, emulator, extrahop, log, monkeypatch):
        monkeypatch.setenv("EXTRAHOP_API_KEY", "key-of-another-appliance")
        assert not bare(path=log, api_key=extrahop["api_key"]).failed

    def test_the_secret_alone_may_be_in_the_environment(self, bare, emulator, log, monkeypatch):
        monkeypatch.delenv("EXTRAHOP_API_KEY")
        assert not bare(path=log, client_id=emulator.environment()["EXTRAHOP_CLIENT_ID"]).failed

    @pytest.mark.parametrize(("name", "value"), [("TIMEOUT", "0"), ("RETRIES", "-3")])
    def test_numbers(self, bare, log, monkeypatch, name, value):
        monkeypatch.setenv(f"EXTRAHOP_{name}", value)
        assert bare(path=log).msg.startswith(f"{name.lower()}: {value} is ")

    def test_validate_certs(self, bare, log, start_emulator, monkeypatch):
        monkeypatch.setenv("EXTRAHOP_HOST", start_emulator("untrusted").host)
        assert bare(path=log).failed
        monkeypatch.setenv("EXTRAHOP_VALIDATE_CERTS", "false")
        assert not bare(path=log).failed

    def test_a_secret_from_there_is_shown_nowhere(self, bare, emulator, log, monkeypatch):
        monkeypatch.setenv("EXTRAHOP_API_KEY", "key-from-the-environment")
        emulator.add_fault("echo_authorization", times=None, status=400)
        run = bare(path=log)
        assert run.failed
        assert "key-from-the-environment" not in run.printed


class TestClientCredentials:
    def test_one_token_serves_a_run(self, oauth, emulator, many):
        run = oauth(path=many, batch_size=1, concurrency=4, check_devices=True)
        assert run["counts"]["uploaded"] == 12
        (token,) = emulator.requests(kind="token")
        assert (token["method"], token["path"], token["body"]) == ("POST", TOKEN, "grant_type=client_credentials")
        assert token["headers"]["Authorization"].startswith("Basic ")
        assert all(one["headers"]["Authorization"].startswith("Bearer ") for one in emulator.writes())

    def test_no_token_is_fetched_where_nothing_is_sent(self, oauth, emulator, log):
        oauth(path=log)
        emulator.clear_requests()
        assert not oauth(path=log).changed
        assert emulator.requests() == []

    @pytest.mark.parametrize("form", ["401", "400", "400_text"])
    def test_a_token_that_ends_early_is_renewed_once(self, oauth, emulator, many, form):
        emulator.configure(expired_token=form)
        emulator.add_fault("expired_token", {"path": OBSERVATIONS}, after=3, status=int(form[:3]))
        assert oauth(path=many, batch_size=1)["counts"]["uploaded"] == 12
        assert len(emulator.requests(kind="token")) == 2
        assert emulator.state["extrahop"]["observations"]["duplicates"] == 0

    @pytest.mark.parametrize("form", ["401", "400", "400_text"])
    def test_and_only_once(self, oauth, emulator, log, form):
        emulator.configure(expired_token=form)
        emulator.add_fault("expired_token", {"path": OBSERVATIONS}, times=None)
        run = oauth(path=log)
        assert run.failed
        assert "token" in run.msg
        assert len(emulator.requests(kind="token")) == 2
        assert len(emulator.writes()) == 2

    def test_another_400_does_not_renew(self, oauth, emulator, log):
        emulator.add_fault("status", {"path": OBSERVATIONS}, status=400, body={"type": "invalid_request", "detail": "no such source"})
        run = oauth(path=log)
        assert "refused with status 400: no such source" in run.msg
        assert len(emulator.requests(kind="token")) == 1

    def test_short_lived_tokens(self, oauth, emulator, many):
        """Renewed in time, but not before every request."""
        emulator.configure(token_life=30)
        assert oauth(path=many, batch_size=1)["counts"]["uploaded"] == 12
        assert len(emulator.requests(kind="token")) == 1

    def test_a_token_without_a_known_end(self, oauth, emulator, many):
        emulator.configure(expires_in=False)
        assert oauth(path=many, batch_size=3)["counts"]["uploaded"] == 12
        assert len(emulator.requests(kind="token")) == 1

    def test_tokens_that_end_under_several_threads(self, oauth, emulator, many):
        """All threads are refused at once; one of them renews for all."""
        emulator.configure(latency=0.01)
        emulator.add_fault("expired_token", {"path": OBSERVATIONS}, times=3)
        assert oauth(path=many, batch_size=1, concurrency=3)["counts"]["uploaded"] == 12
        assert 2 <= len(emulator.requests(kind="token")) <= 4
        assert emulator.state["extrahop"]["observations"]["duplicates"] == 0

    @pytest.mark.parametrize("which", ["client_id", "client_secret"])
    def test_wrong_credentials(self, oauth, emulator, log, which):
        run = oauth(path=log, **{which: "wrong-credential"})
        assert f"POST {TOKEN}" in run.msg
        assert "check client_id, client_secret and `host`" in run.msg
        assert len(emulator.requests()) == 1
        assert run["counts"]["uploaded"] == 0

    @pytest.mark.parametrize("secret", ODD_SECRETS)
    def test_any_text_can_be_the_secret(self, oauth, emulator, log, secret):
        oauth(path=log, client_secret=secret)
        sent = emulator.requests(kind="token")[0]["headers"]["Authorization"]
        assert base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")[2] == secret

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ({"status": 500, "body": "oops"}, "status 500: oops"),
            ({"status": 404, "body": {"detail": "no such path"}}, "status 404: no such path"),
            ({"status": 403, "body": {"error": "access_denied"}}, "allow-list"),
            ({"status": 200, "body": {}}, "without an access_token"),
            ({"status": 200, "body": {"access_token": ""}}, "without an access_token"),
            ({"status": 200, "body": {"access_token": 7}}, "without an access_token"),
            ({"status": 200, "body": "token=abc"}, "without an access_token"),
            ({"status": 200, "body": []}, "without an access_token"),
        ],
    )
    def test_a_token_endpoint_that_fails(self, oauth, emulator, log, fault, reason):
        emulator.add_fault("status", {"path": TOKEN}, times=None, **fault)
        run = oauth(path=log)
        assert f"POST {TOKEN}" in run.msg
        assert reason in run.msg
        assert emulator.writes() == []

    def test_a_login_page_for_a_token(self, oauth, emulator, log):
        emulator.add_fault("html", {"path": TOKEN}, times=None)
        assert "an HTML page, perhaps a login page of a proxy" in oauth(path=log).msg

    @pytest.mark.parametrize("expires_in", [0, -5, "soon", None, 1e300])
    def test_an_odd_lifetime_of_a_token(self, oauth, emulator, many, expires_in):
        """A token may be fetched more often then, but the upload goes through."""
        token = self._a_token(emulator)
        emulator.add_fault("status", {"path": TOKEN}, status=200, times=None, body={"access_token": token, "expires_in": expires_in})
        assert oauth(path=many, batch_size=4)["counts"]["uploaded"] == 12

    def _a_token(self, emulator) -> str:
        tokens = emulator.emulator.extrahop.tokens
        return tokens.give_opaque(3600, emulator.environment()["EXTRAHOP_CLIENT_ID"])

    def test_a_busy_token_endpoint_is_asked_again(self, oauth, emulator, log, naps):
        emulator.add_fault("status", {"path": TOKEN}, status=503, times=2, headers={"Retry-After": "7"})
        assert oauth(path=log)["counts"]["uploaded"] == 7
        assert naps == [7, 7]


class TestNotAllowed:
    def test_without_full_privileges(self, upload, emulator, log):
        emulator.configure(full_privileges=False)
        run = upload(path=log)
        assert "status 403: The user does not have full write privileges" in run.msg
        assert "lack a privilege" in run.msg
        assert run["status"] == 403

    @pytest.mark.parametrize("how", ["key", "client"])
    def test_from_an_address_that_is_not_allowed(self, upload, oauth, emulator, log, how):
        emulator.configure(ip_allowed=False)
        run = upload(path=log) if how == "key" else oauth(path=log)
        assert "403" in run.msg
        assert "allow-list" in run.msg


class TestSecretsStaySecret:
    @pytest.mark.parametrize("key", [*ODD_SECRETS, "plain-secret-key"])
    @pytest.mark.parametrize("status", [400, 401, 403, 500, 200, 202])
    def test_a_server_that_repeats_the_header(self, upload, emulator, log, key, status):
        emulator.add_fault("echo_authorization", times=None, status=status)
        assert upload(path=log, api_key=key, retries=0).failed

    @pytest.mark.parametrize("secret", [*ODD_SECRETS, "plain-secret"])
    def test_a_token_endpoint_that_repeats_the_header(self, oauth, emulator, log, secret):
        emulator.add_fault("echo_authorization", {"path": TOKEN}, times=None, status=400)
        run = oauth(path=log, client_secret=secret)
        pair = f"{emulator.environment()['EXTRAHOP_CLIENT_ID']}:{secret}".encode()
        assert base64.b64encode(pair).decode() not in run.printed
        assert base64.b64encode(secret.encode()).decode() not in run.printed

    def test_a_bearer_token_that_is_repeated(self, oauth, emulator, log):
        emulator.add_fault("echo_authorization", {"path": OBSERVATIONS}, times=None, status=403)
        run = oauth(path=log)
        token = emulator.writes()[0]["headers"]["Authorization"].removeprefix("Bearer ")
        assert len(token) > 20
        assert token not in run.printed
        assert "(not shown: it repeats credentials)" in run.msg

    def test_a_secret_that_is_cut_in_the_middle_by_a_long_answer(self, upload, emulator, log):
        key = "long-secret-" * 20
        for before in (0, 150, 290, 299):
            emulator.clear_faults()
            emulator.add_fault("status", status=400, times=None, body={"detail": "x" * before + key})
            assert "long-secret" not in upload(path=log, api_key=key).msg

    def test_bodies_hold_no_credential(self, upload, oauth, emulator, extrahop, log):
        upload(path=log)
        oauth(path=log, source="other")
        for request in emulator.requests():
            for secret in (extrahop["api_key"], emulator.environment()["EXTRAHOP_CLIENT_SECRET"]):
                assert secret not in str(request["body"])
                assert secret not in request["path"]

    def test_no_netrc(self, upload, emulator, log, tmp_path, monkeypatch):
        """requests would take the credentials in it for those of the task."""
        netrc = tmp_path / "netrc"
        netrc.write_text("default login intruder password from-netrc\nmachine 127.0.0.1 login intruder password from-netrc\n")
        netrc.chmod(0o600)
        (tmp_path / "home" / ".netrc").write_bytes(netrc.read_bytes())
        (tmp_path / "home" / ".netrc").chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        assert not upload(path=log).failed
        assert emulator.requests()[0]["headers"]["Authorization"].startswith("ExtraHop apikey=")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_are_not_followed(self, upload, emulator, start_emulator, log, status):
        elsewhere = start_emulator("untrusted")
        emulator.add_fault("redirect", times=None, status=status, location=f"{elsewhere.url}/steal")
        run = upload(path=log, validate_certs=False)
        assert f"was redirected (status {status}) to {elsewhere.url}/steal" in run.msg
        assert "Redirects are not followed" in run.msg
        assert "set `host`" in run.msg
        assert elsewhere.requests() == []

    def test_a_redirect_of_the_token_call_is_not_followed(self, oauth, emulator, log):
        emulator.add_fault("redirect", {"path": TOKEN}, times=None, location=f"{emulator.url}/elsewhere")
        assert "was redirected" in oauth(path=log).msg
        assert len(emulator.requests()) == 1


class _Proxy(http.server.ThreadingHTTPServer):
    """Passes CONNECT on to where it leads, and remembers who asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.asked: list[tuple[str, str | None]] = []
        self.status = 200

    def handle_error(self, request, client_address) -> None:
        """Ignores clients that disconnect."""


class _ProxyHandler(http.server.BaseHTTPRequestHandler):
    server: _Proxy

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        if self.server.status != 200:
            self._refuse()
            return
        host, _colon, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(upstream, self.connection), daemon=True)
            back.start()
            _pump(self.connection, upstream)
            back.join()
        self.close_connection = True

    def do_POST(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        self._refuse()

    def _refuse(self) -> None:
        """With all that it was sent."""
        body = json.dumps({"error_message": f"not with {self.headers.get('Proxy-Authorization')}"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_parts: object) -> None:
        """Tests read `asked`."""


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy() -> Iterator[_Proxy]:
    with _Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class TestProxies:
    @pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
    def test_the_environment_names_one(self, upload, emulator, log, proxy, monkeypatch, variable):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.server_port}")
        assert upload(path=log)["counts"]["uploaded"] == 7
        assert proxy.asked == [(emulator.host, None)]

    @pytest.mark.parametrize("exception", ["127.0.0.1", "*", "localhost,127.0.0.1"])
    def test_no_proxy_is_honoured(self, upload, log, proxy, monkeypatch, exception):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("NO_PROXY", exception)
        assert upload(path=log)["counts"]["uploaded"] == 7
        assert proxy.asked == []

    @pytest.mark.parametrize("scheme", ["https", "http"])
    @pytest.mark.parametrize("password", ["proxy-pass@word", "Zürich-pass"])
    def test_its_password_is_used_and_shown_nowhere(self, upload, log, proxy, monkeypatch, scheme, password):
        """Also where the proxy repeats it. Without TLS, the proxy's own answer is the one that the module shows."""
        monkeypatch.setenv(f"{scheme}_proxy", f"http://someone:{quote(password)}@127.0.0.1:{proxy.server_port}")
        proxy.status = 403
        run = upload(path=log, retries=0, host=f"{scheme}://extrahop.invalid", validate_certs=scheme == "https")
        header = base64.b64encode(f"someone:{password}".encode("latin-1")).decode()
        assert proxy.asked[0][1] == f"Basic {header}"
        assert "https_proxy" in run.msg or scheme == "http"
        assert "(not shown: it repeats credentials)" in run.printed or scheme == "https"
        for text in (password, quote(password), header):
            assert text not in run.printed

    def test_a_password_that_cannot_be_sent(self, upload, log, proxy, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:{quote('пароль')}@127.0.0.1:{proxy.server_port}")
        run = upload(path=log)
        assert "HTTPS_PROXY is not the URL of a proxy: its user or password contains a character that requests cannot send" in run.msg
        assert "пароль" not in run.printed
        assert proxy.asked == []

    def test_one_that_is_down(self, upload, emulator, log, monkeypatch):
        with socket.socket() as port:
            port.bind(("127.0.0.1", 0))
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port.getsockname()[1]}")
            run = upload(path=log, retries=0)
        assert "The proxy for" in run.msg
        assert "Check the environment variable HTTPS_PROXY" in run.msg
        assert emulator.requests() == []

    @pytest.mark.parametrize("fault", ["reset_before", "reset_after", "close_before", "close_after"])
    def test_a_connection_that_breaks_behind_it_leaves_the_outcome_open(self, upload, emulator, log, proxy, monkeypatch, fault):
        """It is neither the proxy's fault nor sure that nothing was done."""
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        emulator.add_fault(fault)
        run = upload(path=log, retries=0)
        assert "The request may have been carried out or not" in run.msg
        emulator.clear_faults()
        (warning,) = upload(path=log).warnings
        assert "up to 7 observations were on their way" in warning

    def test_it_is_kept_for_the_retry(self, upload, emulator, log, proxy, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        emulator.add_fault("reset_before", times=2)
        assert upload(path=log)["counts"]["uploaded"] == 7
        assert len(proxy.asked) == 3

    def test_the_certificate_is_checked_behind_it(self, upload, start_emulator, log, proxy, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        run = upload(path=log, host=start_emulator("untrusted").host, retries=0)
        assert "is not trusted" in run.msg


class TestAuthorities:
    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_the_environment_names_them(self, upload, emulator, log, monkeypatch, variable):
        monkeypatch.setenv(variable, emulator.ca_path)
        assert upload(path=log, ca_path=None)["counts"]["uploaded"] == 7

    def test_the_option_comes_first(self, upload, start_emulator, emulator, log, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", start_emulator("wrong-host").ca_path)
        assert not upload(path=log).failed

    def test_the_environment_does_not_undo_unchecked(self, upload, start_emulator, log, monkeypatch):
        """requests would let REQUESTS_CA_BUNDLE have its way over validate_certs=false."""
        other = start_emulator("untrusted")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", other.ca_path)
        assert not upload(path=log, host=other.host, ca_path=None, validate_certs=False).failed
