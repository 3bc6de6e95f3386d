# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation in a bad network: nothing is lost, unclear outcomes are reported, and the next run completes the upload."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._http import client as _http

from support.vpn_logs import plain_rows, write_log

UPLOAD = {"path": "/api/v1/observations/associatedipaddrs"}
ROWS = 12
SENT_AGAIN = "{} observations were sent again after an attempt without a clear answer; the appliance may have received them twice."


@pytest.fixture
def path(tmp_path):
    return write_log(tmp_path / "many.csv", *plain_rows(ROWS))


def observations(emulator):
    return emulator.state["extrahop"]["observations"]


class TestBusy:
    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_is_asked_again(self, upload, emulator, path, status, naps):
        emulator.add_fault("status", UPLOAD, status=status, times=2)
        run = upload(path=path, batch_size=6)
        assert run["counts"]["uploaded"] == ROWS
        assert run.warnings == ([] if status == 429 else [SENT_AGAIN.format(6)]), "only 429 is a clear no"
        assert run["requests"] == 2
        assert sum(naps) > 0, "without a Retry-After it waits by itself"
        assert observations(emulator)["duplicates"] == 0

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(("asked", "waited"), [("7", 7), ("0", 0), ("3600", 60), ("99999999999", 60)])
    def test_retry_after_is_honoured_up_to_a_minute(self, upload, emulator, path, naps, status, asked, waited):
        emulator.add_fault("status", UPLOAD, status=status, headers={"Retry-After": asked})
        assert upload(path=path)["counts"]["uploaded"] == ROWS
        assert sum(naps) == waited

    def test_retry_after_may_be_a_date(self, upload, emulator, path, naps):
        emulator.add_fault("status", UPLOAD, status=503, headers={"Retry-After": "Fri, 31 Dec 2099 23:59:59 GMT"})
        assert upload(path=path)["counts"]["uploaded"] == ROWS
        assert naps == [60]

    @pytest.mark.parametrize("asked", ["soon", "", "-5", "1e3", "Fri, 99 Foo 2099", "Mon, 01 Jan 2001 00:00:00 GMT", "5, 6"])
    def test_an_invalid_retry_after(self, upload, emulator, path, naps, asked):
        emulator.add_fault("status", UPLOAD, status=503, headers={"Retry-After": asked})
        assert upload(path=path)["counts"]["uploaded"] == ROWS
        assert all(0 <= nap <= 60 for nap in naps)

    @pytest.mark.parametrize("retries", [0, 1, 3])
    def test_as_often_as_asked(self, upload, emulator, path, retries):
        emulator.add_fault("status", UPLOAD, status=503, times=None)
        run = upload(path=path, retries=retries)
        assert "status 503" in run.msg
        assert len(emulator.writes()) == retries + 1

    def test_a_rate_limit_that_stays(self, upload, emulator, path):
        emulator.add_fault("status", UPLOAD, status=429, times=None, body={"error_message": "Too many requests"})
        run = upload(path=path)
        assert "status 429: Too many requests" in run.msg
        assert "lower `concurrency`, raise `retries`" in run.msg
        emulator.clear_faults()
        after = upload(path=path)
        assert after["counts"]["uploaded"] == ROWS
        assert after.warnings == [], "429 is a clear no"

    @pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 422])
    def test_a_clear_no_is_not_asked_again_and_leaves_nothing_open(self, upload, emulator, path, status):
        emulator.add_fault("status", UPLOAD, status=status, times=None, body={"detail": "for a reason"})
        run = upload(path=path)
        assert f"status {status}: for a reason" in run.msg
        assert run["status"] == status
        assert "outcome_unknown" not in run
        assert len(emulator.writes()) == 1
        emulator.clear_faults()
        after = upload(path=path)
        assert after["counts"]["uploaded"] == ROWS
        assert after.warnings == []


class TestRepeated:
    """Sent again at once: the appliance takes no harm from the same observation twice."""

    @pytest.mark.parametrize("fault", ["reset_before", "reset_after", "close_before", "close_after", "truncate", "garbage"])
    @pytest.mark.parametrize("times", [1, 3])
    def test_broken_connections(self, upload, emulator, path, fault, times):
        emulator.configure(accepted_body="json")
        emulator.add_fault(fault, UPLOAD, times=times, **({"missing": 4} if fault == "truncate" else {}))
        run = upload(path=path, batch_size=4)
        assert run["counts"]["uploaded"] == ROWS
        assert run.warnings == [SENT_AGAIN.format(4)]
        assert observations(emulator)["distinct"] == ROWS
        again = upload(path=path)
        assert not again.changed
        assert again.warnings == []

    def test_a_server_that_does_not_answer_in_time(self, upload, emulator, path):
        emulator.add_fault("delay", UPLOAD, seconds=1.5, when="before")
        run = upload(path=path, timeout=1)
        assert run["counts"]["uploaded"] == ROWS
        assert len(emulator.writes()) == 2


UNCLEAR = {
    "reset_before": {},
    "reset_after": {},
    "close_before": {},
    "close_after": {},
    "truncate": {"missing": 4},
    "garbage": {},
    "html": {},
    "drop-html": {"action": "html", "work": True},
    "server fault": {"action": "status", "status": 500},
    "server fault after the work": {"action": "status", "status": 502, "work": True},
    "another success": {"action": "status", "status": 200, "body": {}, "work": True},
    "redirect": {"location": "https://elsewhere.example.com/"},
    "oversize": {"size": 300_000},
}


class TestUnclearOutcome:
    @pytest.fixture(autouse=True)
    def small_answers(self, monkeypatch):
        monkeypatch.setattr(_http, "MAX_ANSWER_BYTES", 100_000)

    @pytest.mark.parametrize("name", UNCLEAR)
    def test_the_next_run_completes_and_says_what_it_does_not_know(self, upload, emulator, path, name):
        emulator.configure(accepted_body="json")
        fields = {"action": name, **UNCLEAR[name]}
        emulator.add_fault(fields.pop("action"), UPLOAD, after=1, **fields)
        run = upload(path=path, batch_size=4, retries=0)
        assert run.failed
        assert run["outcome_unknown"]
        assert run["counts"]["uploaded"] in (4, 8)
        assert run.changed
        emulator.clear_faults()
        foretold = upload(path=path, batch_size=4, check_mode=True)
        after = upload(path=path, batch_size=4)
        (warning,) = after.warnings
        assert "An earlier run ended while up to 4 observations were on their way" in warning
        assert "may have received them twice" in warning
        assert after["counts"]["already_uploaded"] == run["counts"]["uploaded"]
        assert after["counts"] == foretold["counts"]
        assert observations(emulator)["distinct"] == ROWS
        assert observations(emulator)["duplicates"] <= 4
        last = upload(path=path)
        assert not last.changed
        assert last.warnings == [], "what is known is not reported again"

    def test_check_mode_does_not_forget_it(self, upload, emulator, path):
        emulator.add_fault("reset_after", UPLOAD)
        upload(path=path, retries=0)
        upload(path=path, check_mode=True)
        assert len(upload(path=path).warnings) == 1

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("reset_after", "broke the connection before its answer was complete. The request may have been carried out or not"),
            ("close_before", "broke the connection before its answer was complete. The request may have been carried out or not"),
            ("truncate", "broke the connection before its answer was complete. The request may have been carried out or not"),
            ("server fault", "was refused with status 500"),
            ("another success", "was answered with the unexpected status 200"),
            ("oversize", "MiB, which no answer of this API needs"),
        ],
    )
    def test_message(self, upload, emulator, path, name, message):
        emulator.configure(accepted_body="json")
        fields = {"action": name, **UNCLEAR[name]}
        emulator.add_fault(fields.pop("action"), UPLOAD, **fields)
        msg = upload(path=path, retries=0).msg
        assert "POST /api/v1/observations/associatedipaddrs" in msg
        assert message in msg

    def test_a_login_page_is_reported_as_such(self, upload, emulator, path):
        emulator.add_fault("html", UPLOAD)
        msg = upload(path=path).msg
        assert "HTML page" in msg
        assert "`host`" in msg

    @pytest.mark.parametrize("body", [{"error": "disk full"}, {"error_message": "disk full"}, {"status": "failed", "detail": "disk full"}])
    def test_an_error_with_the_right_status_is_no_acceptance(self, upload, emulator, path, body):
        emulator.add_fault("status", UPLOAD, status=202, body=body)
        run = upload(path=path)
        assert "disk full" in run.msg
        assert run["counts"]["uploaded"] == 0
        assert upload(path=path)["counts"]["uploaded"] == ROWS

    def test_a_login_page_with_the_right_status_is_no_acceptance(self, upload, emulator, path):
        """A captive portal or proxy may answer anything; whether the body of a 202 is a page for people can be seen."""
        emulator.add_fault("html", UPLOAD, status=202)
        run = upload(path=path)
        assert run.failed
        emulator.clear_faults()
        assert upload(path=path)["counts"]["uploaded"] == ROWS

    def test_a_timeout_is_reported_with_its_option(self, upload, emulator, path):
        emulator.add_fault("delay", UPLOAD, seconds=1.5, when="after")
        msg = upload(path=path, timeout=1, retries=0).msg
        assert "gave no answer within 1 second (option `timeout`)" in msg
        assert "may have been carried out or not" in msg

    def test_an_answer_that_trickles_in_is_given_up(self, upload, emulator, path, monkeypatch):
        """Each byte comes within the timeout, the whole never does."""
        monkeypatch.setattr(_http, "SLOWEST_EXCHANGE_FACTOR", 0.3)
        emulator.configure(accepted_body="json")
        emulator.add_fault("drip", UPLOAD, seconds=0.1, chunk=1, times=None)
        msg = upload(path=path, timeout=1, retries=0).msg
        assert "trickled in" in msg
        assert "raise `timeout`" in msg

    def test_an_empty_answer_in_pieces_is_accepted(self, upload, emulator, path):
        emulator.configure(accepted_body="json")
        emulator.add_fault("drip", UPLOAD, seconds=0.001, chunk=1, times=None)
        assert upload(path=path)["counts"]["uploaded"] == ROWS


class TestNotSent:
    """If nothing can have arrived, no outcome is open."""

    def test_rows_that_wait_behind_a_failure_are_not_called_under_way(self, upload, start_emulator, path, emulator):
        run = upload(path=path, batch_size=1, host=start_emulator("untrusted").host)
        assert run.failed
        # The same appliance in the eyes of the ledger is the one at the same place.
        after = upload(path=path, batch_size=1, host=start_emulator("untrusted").host, ca_path=start_emulator("untrusted").ca_path)
        assert after.warnings == []

    def test_nor_behind_a_clear_no(self, upload, emulator, path):
        emulator.add_fault("status", UPLOAD, after=2, status=400, times=None)
        run = upload(path=path, batch_size=1)
        assert run.failed
        emulator.clear_faults()
        after = upload(path=path, batch_size=1)
        assert after.warnings == []
        assert after["counts"]["already_uploaded"] == run["counts"]["uploaded"] == 2
        assert observations(emulator)["duplicates"] == 0

    def test_only_what_was_sent_is_called_under_way(self, upload, emulator, path):
        emulator.add_fault("reset_after", UPLOAD, after=2, times=None)
        assert upload(path=path, batch_size=1, retries=0).failed
        emulator.clear_faults()
        sent_in_vain = len(emulator.writes()) - 2
        (warning,) = upload(path=path, batch_size=1).warnings
        assert f"up to {sent_in_vain} observation" in warning


class TestFailureAmongSeveral:
    @pytest.mark.parametrize("concurrency", [1, 3])
    def test_what_was_accepted_is_counted_and_recorded(self, upload, emulator, path, concurrency):
        emulator.add_fault("status", UPLOAD, after=5, status=400, times=None)
        run = upload(path=path, batch_size=1, concurrency=concurrency)
        assert run.failed
        assert run.changed
        assert run["counts"]["uploaded"] == run["requests"] == 5 == observations(emulator)["accepted"]
        emulator.clear_faults()
        assert upload(path=path, batch_size=1)["counts"]["uploaded"] == ROWS - 5
        assert observations(emulator)["duplicates"] == 0

    def test_the_first_failure_ends_the_run_soon(self, upload, emulator, tmp_path):
        path = write_log(tmp_path / "long.csv", *plain_rows(500))
        emulator.add_fault("status", UPLOAD, status=400, times=None)
        assert upload(path=path, batch_size=1, concurrency=4).failed
        assert len(emulator.writes()) <= 8

    def test_too_many_rows_for_a_request(self, upload, emulator, path):
        emulator.configure(max_observations=5)
        run = upload(path=path)
        assert "at most 5 in a request, got 12" in run.msg
        assert upload(path=path, batch_size=5)["counts"]["uploaded"] == ROWS

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ({"status": 401, "body": {"error_message": "API Key is invalid"}}, "API Key is invalid"),
            ({"status": 400, "body": {"type": "invalid_request", "detail": "the detail"}}, "the detail"),
            ({"status": 400, "body": {"error": "invalid_client"}}, "invalid_client"),
            ({"status": 404, "body": {"type": "not_found", "detail": "no such thing"}}, "no such thing"),
            ({"status": 400, "body": {"type": "only_a_type"}}, "only_a_type"),
            ({"status": 400, "body": "plain text"}, "plain text"),
            ({"status": 400, "body": ["a", "list"]}, "list"),
            ({"status": 502, "body": "<html><body>Bad gateway</body></html>"}, "an HTML page"),
        ],
    )
    def test_the_servers_words_are_passed_on(self, upload, emulator, path, fault, reason):
        emulator.add_fault("status", UPLOAD, times=None, **fault)
        assert f"was refused with status {fault['status']}: " in (msg := upload(path=path, retries=0).msg)
        assert reason in msg

    def test_an_empty_error_body(self, upload, emulator, path):
        emulator.add_fault("status", UPLOAD, status=502, times=None, body="")
        assert "was refused with status 502. The server or a proxy in front of it failed" in upload(path=path, retries=0).msg

    def test_an_endless_error_body_is_not_shown_whole(self, upload, emulator, path):
        emulator.add_fault("status", UPLOAD, status=400, times=None, body={"detail": "long \x1b[31m" * 10_000})
        msg = upload(path=path).msg
        assert len(msg) < 1000
        assert msg.isprintable()
