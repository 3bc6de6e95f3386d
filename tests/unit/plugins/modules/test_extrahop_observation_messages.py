# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extrahop_observation says what is wrong, where, and what to do: for every bad input, before anything is sent."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import socket
import ssl
import sys
from pathlib import Path

import pytest
import urllib3.connection
from ansible_collections.secops.xdr.plugins.module_utils._http import library as _requests
from ansible_collections.secops.xdr.plugins.modules import extrahop_observation

from support.module_process import ModuleProcess
from support.obedient_root import modes_obeyed
from support.vpn_logs import HEADER, plain_row, plain_rows, write_log

ITEM = {"ipaddr": "10.8.0.2", "associated_ipaddr": "203.0.113.5", "timestamp": 1_717_143_300}


@pytest.fixture
def refused(upload, emulator):
    """Runs the module, which must fail without having sent anything, and gives its message. Check mode must say the same."""

    def run(**options) -> str:
        foretold = upload(**options, check_mode=True)
        msg = upload(**options).msg
        assert foretold.msg == msg
        assert emulator.requests() == []
        return msg

    return run


class TestFile:
    def test_missing(self, refused, tmp_path):
        msg = refused(path=str(tmp_path / "nowhere.csv"))
        assert msg == f"path: there is no file {tmp_path}/nowhere.csv on the host that runs the module."

    def test_folder(self, refused, tmp_path):
        msg = refused(path=str(tmp_path))
        assert msg.startswith(f"path: {tmp_path} is a folder; give the name of the log in it.")

    def test_named_pipe(self, refused, tmp_path):
        """Opening one would wait for a writer forever."""
        os.mkfifo(tmp_path / "pipe")
        assert refused(path=str(tmp_path / "pipe")).startswith(f"path: {tmp_path}/pipe is not a regular file")

    def test_not_readable(self, refused, log):
        os.chmod(log, 0)
        with modes_obeyed():
            msg = refused(path=log)
        assert msg.startswith(f"path: {log} cannot be opened")

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
    def test_empty(self, refused, tmp_path, content):
        (tmp_path / "empty.csv").write_bytes(content)
        msg = refused(path=str(tmp_path / "empty.csv"))
        assert msg.startswith(f"path: {tmp_path}/empty.csv is empty")
        assert "names its columns" in msg

    def test_header_only(self, refused, tmp_path):
        path = write_log(tmp_path / "log.csv")
        msg = refused(path=path)
        assert msg.startswith(f"path: {path} has a header and no rows")
        assert "on_invalid: skip" in msg

    @pytest.mark.parametrize("content", ["", f"{HEADER}\n"])
    def test_empty_is_a_warning_when_bad_rows_are_skipped(self, upload, emulator, tmp_path, content):
        (tmp_path / "log.csv").write_text(content)
        run = upload(path=str(tmp_path / "log.csv"), on_invalid="skip")
        assert not run.changed
        assert run["counts"]["read"] == 0
        assert len(run.warnings) == 1
        assert f"{tmp_path}/log.csv" in run.warnings[0]
        assert emulator.requests() == []

    def test_only_rows_without_address_is_no_error(self, upload, tmp_path):
        assert upload(path=write_log(tmp_path / "log.csv", ",,"))["counts"]["skipped"] == {"no_address": 1}

    def test_damaged_gzip(self, refused, tmp_path):
        (tmp_path / "log.csv.gz").write_bytes(b"\x1f\x8b\x08\x00 this is no gzip")
        msg = refused(path=str(tmp_path / "log.csv.gz"))
        assert msg.startswith(f"path: {tmp_path}/log.csv.gz cannot be read to its end")

    def test_truncated_gzip(self, refused, tmp_path):
        packed = gzip.compress("\n".join([HEADER, *plain_rows(2000)]).encode())
        (tmp_path / "log.csv.gz").write_bytes(packed[: len(packed) // 2])
        msg = refused(path=str(tmp_path / "log.csv.gz"))
        assert "cannot be read to its end" in msg

    @pytest.mark.parametrize("compressed", [False, True])
    @pytest.mark.parametrize("mode", ["zip", "tar"])
    def test_archive(self, refused, tmp_path, mode, compressed):
        write_log(tmp_path / "log.csv", *plain_rows(2))
        path = Path(shutil.make_archive(str(tmp_path / "log"), mode, tmp_path, "log.csv"))
        if compressed:
            path.write_bytes(gzip.compress(path.read_bytes()))
        assert refused(path=str(path)).startswith(f"path: {path} contains {mode} data, which is not read. Unpack it first")

    def test_compressed_twice(self, refused, tmp_path):
        (tmp_path / "log.csv.gz").write_bytes(gzip.compress(gzip.compress(f"{HEADER}\n{plain_row(0)}\n".encode())))
        assert refused(path=str(tmp_path / "log.csv.gz")).startswith(f"path: {tmp_path}/log.csv.gz contains gzip data")

    @pytest.mark.parametrize("readable", [0, 512])
    def test_disk_or_share_that_fails(self, refused, log, monkeypatch, readable):
        pread = os.pread

        def failing(descriptor: int, length: int, offset: int) -> bytes:
            if length > readable:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return pread(descriptor, length, offset)

        monkeypatch.setattr("os.pread", failing)
        with open(log, "a", encoding="utf-8") as file:
            file.writelines(f"{row}\n" for row in plain_rows(20))
        assert refused(path=log).startswith(f"path: {log} cannot be read to its end ([Errno {errno.ESTALE}]")

    @pytest.mark.parametrize("content", [bytes(range(256)) * 40, b"\0" * 10_000, b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"<html>\n<body>\n"])
    def test_no_log_at_all(self, refused, tmp_path, content):
        (tmp_path / "log.csv").write_bytes(content)
        assert f"{tmp_path}/log.csv" in refused(path=str(tmp_path / "log.csv"))


class TestHeader:
    def test_missing_column_lists_those_there_are(self, refused, tmp_path):
        path = write_log(tmp_path / "log.csv", "a,b,c", header="Real Ip,Client,Start Time")
        msg = refused(path=path)
        assert msg.startswith(f"columns.ipaddr: {path} has no column 'VPN IP'")
        assert "'Real Ip', 'Client', 'Start Time'" in msg
        assert "Set `columns`" in msg

    def test_a_part_of_a_rotated_log_has_none(self, refused, tmp_path):
        path = write_log(
            tmp_path / "log.csv", "jdoe,203.0.113.9,10.8.0.3,05/31/24 08:00:00", header="ann,203.0.113.7,10.8.0.2,05/31/24 07:00:00"
        )
        msg = refused(path=path)
        assert msg.startswith(f"path: {path} has no line with the names of the columns: its first line is a row already.")
        assert "ann" not in msg.replace(path, "")

    def test_missing_column_of_a_pattern(self, refused, log):
        msg = refused(path=log, columns={"timestamp": "{Month}/{Day}"})
        assert msg.startswith("columns.timestamp: ")
        assert "'Month'" in msg
        assert "'Start Time'" in msg

    def test_missing_column_of_a_list(self, refused, log):
        assert "'Date'" in refused(path=log, columns={"timestamp": ["Start Time", "Date"]})

    def test_wrong_delimiter_is_hinted_at(self, refused, tmp_path):
        path = write_log(tmp_path / "log.csv", "a;b;c", header="Real IP;VPN IP;Start Time")
        msg = refused(path=path)
        assert "'Real IP;VPN IP;Start Time'" in msg
        assert "delimiter" in msg

    @pytest.mark.parametrize("header", ["Real IP,VPN IP,VPN IP,Start Time", "Real IP,vpn ip,VPN Ip,Start Time"])
    def test_duplicate_columns(self, refused, tmp_path, header):
        path = write_log(tmp_path / "log.csv", "a,b,c,d", header=header)
        msg = refused(path=path)
        assert msg.startswith("columns.ipaddr: ")
        assert path in msg
        assert "'VPN IP' more than once (columns 2 and 3)" in msg
        assert "Rename one" in msg

    def test_a_header_of_thousands_of_columns_is_not_shown_whole(self, refused, tmp_path):
        path = write_log(tmp_path / "log.csv", "x", header=",".join(f"column {number}" for number in range(10_000)))
        msg = refused(path=path)
        assert "has no column 'VPN IP'" in msg
        assert len(msg) < 2000

    @pytest.mark.parametrize("timestamp", [[], "", 7, ["a", 7], {"a": 1}])
    def test_a_timestamp_column_of_another_kind(self, refused, log, timestamp):
        assert refused(path=log, columns={"timestamp": timestamp}).startswith("columns.timestamp: ")

    def test_an_unknown_key(self, refused, log):
        assert "columns" in refused(path=log, columns={"vpn": "x"})


class TestRow:
    """Each names the file, the line, the value and what to do."""

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("203.0.113.5,10.8.0.2", "short row: 2 of 3 columns"),
            ("203.0.113.5,10.8.0.300,01/05/24 10:00:00", "'10.8.0.300' is not an IP address"),
            ("203.0.113.5,vpn-client,01/05/24 10:00:00", "'vpn-client' is not an IP address"),
            ("203.0.113.5,10.8.0.2:1194,01/05/24 10:00:00", "it seems to have a port: only 10.8.0.2 belongs here"),
            ("203.0.113.5,[fd00::2]:1194,01/05/24 10:00:00", "it seems to have a port: only fd00::2 belongs here"),
            ("203.0.113.5,[fd00::2],01/05/24 10:00:00", "leave out the brackets"),
            ("203.0.113.5,10.8.0.0/24,01/05/24 10:00:00", "it seems to be a network"),
            ("203.0.113.5,fe80::1%eth0,01/05/24 10:00:00", "an interface name"),
            ("203.0.113.5,224.0.0.1,01/05/24 10:00:00", "multicast"),
            ("203.0.113.5,10.8.0.02,01/05/24 10:00:00", "'10.8.0.02' is not an IP address"),
            (
                "203.0.113.5,10.8.0.2,2024-01-05 10:00:00",
                "does not match timestamp_format '%m/%d/%y %H:%M:%S'; it fits timestamp_format iso8601",
            ),
            ("203.0.113.5,10.8.0.2,02/30/24 10:00:00", "'02/30/24 10:00:00'"),
            ("203.0.113.5,10.8.0.2,", "time '' does not match"),
            ("203.0.113.5,10.8.0.2,01/05/24 25:00:00", "'01/05/24 25:00:00'"),
        ],
    )
    def test_reason(self, refused, upload, tmp_path, row, reason):
        path = write_log(tmp_path / "log.csv", plain_row(0), row, plain_row(1))
        msg = refused(path=path)
        assert msg.startswith(f"{path}, line 3: ")
        assert reason in msg
        assert "on_invalid: skip" in msg
        run = upload(path=path, on_invalid="skip")
        assert run["counts"]["uploaded"] == 2
        (rejected,) = run["rejected_rows"]
        assert rejected["line"] == 3
        assert reason in rejected["reason"]

    def test_undecodable_bytes(self, refused, tmp_path):
        path = tmp_path / "log.csv"
        path.write_bytes(f"{HEADER},User\n{plain_row(0)},M".encode() + b"\xfcller\n")
        msg = refused(path=str(path))
        assert msg.startswith(f"{path}, line 2: byte 0xfc at column ")
        assert "utf-8" in msg
        assert "`encoding`" in msg

    def test_undecodable_header(self, refused, tmp_path):
        path = tmp_path / "log.csv"
        path.write_bytes(b"R\xe9el IP,VPN IP,Start Time\n" + plain_row(0).encode())
        msg = refused(path=str(path))
        assert f"{path}, line 1" in msg
        assert "`encoding`" in msg

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
    def test_a_log_in_another_encoding_than_asked(self, refused, tmp_path, encoding):
        path = write_log(tmp_path / "log.csv", *plain_rows(5))
        msg = refused(path=path, encoding=encoding)
        assert msg.startswith("encoding: ")
        assert path in msg

    def test_unknown_zone_in_a_row(self, refused, tmp_path):
        path = write_log(tmp_path / "log.csv", "203.0.113.5,10.8.0.2,2022.05.02 07:50:50 XYZT")
        msg = refused(path=path, timestamp_format="%Y.%m.%d %H:%M:%S %Z")
        assert msg.startswith(f"{path}, line 2: ")
        assert "'XYZT' is not known; known are ACDT" in msg

    def test_a_zone_that_several_countries_use(self, refused, upload, tmp_path):
        path = write_log(tmp_path / "log.csv", "203.0.113.5,10.8.0.2,2022.05.02 07:50:50 IST")
        options = {"path": path, "timestamp_format": "%Y.%m.%d %H:%M:%S %Z"}
        msg = refused(**options)
        assert "India, Ireland and Israel" in msg
        assert "`timezone`" in msg
        assert not upload(**options, timezone="Asia/Kolkata").failed

    @pytest.mark.parametrize(
        ("timestamp_format", "text", "reason"),
        [
            ("epoch", "-1717143300", "before 1980"),
            ("epoch", "0", "before 1980"),
            ("epoch", "1717143300000", "after 2099, which no log can contain; for milliseconds set timestamp_format to epoch_ms"),
            ("epoch", "99999999999999999999999", "is not a number of epoch seconds"),
            ("epoch", "1e9", "is not a number of epoch seconds"),
            ("epoch", "nan", "is not a number of epoch seconds"),
            ("epoch", "0x66", "is not a number of epoch seconds"),
            ("epoch_ms", "1717143300", "before 1980, which no log can contain; for seconds set timestamp_format to epoch"),
            ("epoch_ms", "17171433000000000", "after 2099"),
            ("iso8601", "2024-05-31", "is not ISO 8601 with a date and a time"),
            ("iso8601", "2024-13-31T00:00:00Z", "'2024-13-31T00:00:00Z'"),
            ("%Y-%m-%d %H:%M:%S", "1900-01-01 00:00:00", "before 1980"),
            ("%Y-%m-%d %H:%M:%S", "0001-01-01 00:00:00", "'0001-01-01 00:00:00'"),
            ("%Y-%m-%d %H:%M:%S", "9999-12-31 23:59:59", "'9999-12-31 23:59:59'"),
        ],
    )
    @pytest.mark.parametrize("timezone", [None, "Pacific/Auckland", "America/New_York"])
    def test_negative_and_absurd_times(self, refused, tmp_path, timestamp_format, text, reason, timezone):
        path = write_log(tmp_path / "log.csv", f"203.0.113.5,10.8.0.2,{text}")
        msg = refused(path=path, timestamp_format=timestamp_format, timezone=timezone)
        assert msg.startswith(f"{path}, line 2: ")
        assert reason in msg

    def test_a_value_cannot_steer_the_terminal_or_fill_the_screen(self, refused, upload, tmp_path):
        path = write_log(tmp_path / "log.csv", "203.0.113.5,\x1b[31mred\x07,x", f"203.0.113.5,{'9' * 30_000},x")
        run = upload(path=path, on_invalid="skip")
        for row in run["rejected_rows"]:
            assert row["reason"].isprintable()
            assert len(row["reason"]) < 500
        assert refused(path=path).isprintable()


class TestObservations:
    @pytest.mark.parametrize(
        ("item", "reason"),
        [
            ({"ipaddr": "nowhere"}, "ipaddr: 'nowhere' is not an IP address"),
            ({"associated_ipaddr": "203.0.113.5:99"}, "associated_ipaddr: '203.0.113.5:99' is not an IP address; it seems to have a port"),
            ({"ipaddr": ["10.8.0.2"]}, "ipaddr: "),
            ({"timestamp": -5}, "'-5' is before 1980"),
            ({"timestamp": 1_717_143_300_000}, "after 2099"),
            ({"timestamp": "soon"}, "'soon'"),
            ({"timestamp": ""}, "time ''"),
            ({"timestamp": None}, "timestamp"),
            ({"timestamp": True}, "timestamp: a bool was given"),
            ({"timestamp": [1]}, "timestamp: a list was given"),
            ({"timestamp": {"at": 1}}, "timestamp: a dict was given"),
            ({"timestamp": 1e30}, "1e+30"),
        ],
    )
    def test_reason(self, refused, item, reason):
        msg = refused(observations=[ITEM, {**ITEM, **item}])
        assert "observations" in msg
        assert reason in msg
        assert "item 2" in msg

    @pytest.mark.parametrize("key", ["ipaddr", "associated_ipaddr", "timestamp"])
    def test_a_key_is_missing(self, refused, key):
        msg = refused(observations=[{name: value for name, value in ITEM.items() if name != key}])
        assert key in msg
        assert "observations" in msg

    def test_a_key_too_many(self, refused):
        msg = refused(observations=[{**ITEM, "user": "alice"}])
        assert "user" in msg

    @pytest.mark.parametrize("observations", ["10.8.0.2", ["10.8.0.2"], 7, [7]])
    def test_something_else_than_a_list_of_dictionaries(self, refused, observations):
        """Ansible forgets what is secret then, and shows all options in the result."""
        msg = refused(observations=observations, ledger="postgresql://someone:ledger-password@127.0.0.1/db")
        assert "observations" in msg or "dictionary requested" in msg, "the second is Ansible's own"


class TestOptions:
    def test_both_path_and_observations(self, refused, log):
        msg = refused(path=log, observations=[ITEM])
        assert "mutually exclusive" in msg
        assert "path" in msg
        assert "observations" in msg

    @pytest.mark.parametrize("option", ["path", "paths", "observations"])
    def test_null(self, run_module, extrahop, option):
        run = run_module(extrahop_observation.main, {**extrahop, option: None})
        assert run.msg.startswith(f"{option}: the value is null")

    def test_neither(self, refused):
        msg = refused()
        assert "one of the following is required" in msg
        assert "path, paths, observations" in msg

    def test_no_source(self, refused, log):
        assert refused(path=log, source=None) == "missing required arguments: source"

    @pytest.mark.parametrize("source", ["", "   "])
    def test_an_empty_source(self, refused, log, source):
        assert refused(path=log, source=source) == "source: the text is empty."

    @pytest.mark.parametrize(("source", "kind"), [(["OpenVPN"], "list"), ({"name": "OpenVPN"}, "dictionary")])
    def test_a_list_where_a_text_belongs(self, refused, log, source, kind):
        assert refused(path=log, source=source).startswith(f"source: a {kind} was given where a single text belongs")

    @pytest.mark.parametrize("option", ["path", "timezone", "encoding", "delimiter", "timestamp_format", "host"])
    def test_a_list_elsewhere_names_the_option(self, refused, log, option):
        assert option in refused(**{"path": log, option: ["a", "b"]})

    @pytest.mark.parametrize(("timezone", "meant"), [("America/New_york", "America/New_York"), ("Europe/Berlim", "Europe/Berlin")])
    def test_a_misspelt_zone(self, refused, log, timezone, meant):
        assert refused(path=log, timezone=timezone) == (
            f"timezone: '{timezone}' is not known on the host that runs the module; did you mean {meant}?"
        )

    @pytest.mark.parametrize("timezone", ["Mars/Olympus", "EDT", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b"])
    def test_an_unknown_zone(self, refused, log, timezone):
        msg = refused(path=log, timezone=timezone)
        assert msg.startswith("timezone: ")
        assert "is not known on the host" in msg
        assert "Europe/Berlin" in msg
        assert "tzdata" in msg

    @pytest.mark.parametrize("encoding", ["utf-9", "rot13", "hex", "undefined", "utf\0", ""])
    def test_an_unknown_encoding(self, refused, log, encoding):
        msg = refused(path=log, encoding=encoding)
        assert msg.startswith("encoding: ")
        assert "utf-8, latin-1" in msg

    @pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "\0"])
    def test_an_invalid_delimiter(self, refused, log, delimiter):
        msg = refused(path=log, delimiter=delimiter)
        assert msg.startswith("delimiter: ")
        assert "give one character" in msg

    @pytest.mark.parametrize(
        ("timestamp_format", "reason"),
        [
            ("YYYY-MM-DD", "is neither a strptime format"),
            ("%H:%M:%S", "has no year"),
            ("%Y %Q", "cannot be used"),
            ("%Y %", "cannot be used"),
            ("%Y %Y", "cannot be used"),
            ("%%Y %m/%d", "has no year"),
            ("", "timestamp_format"),
        ],
    )
    def test_an_invalid_timestamp_format(self, refused, log, timestamp_format, reason):
        msg = refused(path=log, timestamp_format=timestamp_format)
        assert msg.startswith("timestamp_format: ")
        assert reason in msg

    @pytest.mark.parametrize(
        ("option", "value"),
        [("format", "xml"), ("timestamp_unit", "minutes"), ("on_invalid", "ignore"), ("force", "perhaps")],
    )
    def test_a_value_that_is_none_of_the_choices(self, refused, log, option, value):
        msg = refused(path=log, **{option: value})
        assert option in msg
        assert value in msg

    def test_an_invalid_number(self, refused, log):
        msg = refused(path=log, batch_size="many")
        assert "batch_size" in msg
        assert "convert" in msg

    def test_a_misspelt_option(self, refused, log):
        assert "batchsize" in refused(path=log, batchsize=5)


class TestConnectionOptions:
    def test_no_host(self, refused, log):
        assert refused(path=log, host=None) == (
            "missing required arguments: host. Set `host` in the task, or the environment variable EXTRAHOP_HOST on the host that runs the "
            "module."
        )

    @pytest.mark.parametrize(
        ("host", "reason"),
        [
            ("http://extrahop.example.com", "sends the credentials unprotected"),
            ("ftp://extrahop.example.com", "ftp:// is not a scheme"),
            ("fe80::1%eth0 \U0001f512", "is not a host"),
            ("fe80::1%eth0^", "is not a host"),
            ("https://user:secret@extrahop.example.com", "with a user or password"),
            ("extrahop.example.com/api/v1", "has a path"),
            ("https://extrahop.example.com/?x=1", "has a path"),
            ("extrahop.example.com:port", "is not a host"),
            ("extrahop.example.com:99999", "is not a host"),
            ("extra hop", "is not a host"),
            ("", "the value is empty"),
            (" \t", "the value is empty"),
            ("https://", "is not a host"),
            ("[::1", "is not a host"),
            ("-host", "is not a host"),
            ("a\nb", "is not a host"),
        ],
    )
    def test_host(self, refused, log, host, reason):
        msg = refused(path=log, host=host)
        assert msg.startswith("host: ")
        assert reason in msg
        assert "secret" not in msg

    @pytest.mark.parametrize(("option", "value"), [("timeout", 0), ("timeout", -1), ("retries", -1)])
    def test_numbers(self, refused, log, option, value):
        assert refused(path=log, **{option: value}).startswith(f"{option}: {value} is ")

    def test_ca_path_missing(self, refused, log, tmp_path):
        assert refused(path=log, ca_path=str(tmp_path / "ca.pem")).startswith(
            f"`ca_path` names {tmp_path}/ca.pem, and there is no such file or folder on the host that runs the module."
        )

    def test_no_credentials(self, refused, log):
        msg = refused(path=log, api_key=None)
        assert "api_key (EXTRAHOP_API_KEY)" in msg
        assert "client_id and client_secret (EXTRAHOP_CLIENT_ID, EXTRAHOP_CLIENT_SECRET)" in msg

    def test_client_id_alone(self, refused, log):
        msg = refused(path=log, api_key=None, client_id="some-id")
        assert msg.startswith("client_secret: ")

    def test_client_secret_alone(self, refused, log):
        assert "client_id" in refused(path=log, api_key=None, client_secret="some-secret")

    def test_key_and_client(self, refused, log):
        msg = refused(path=log, client_id="some-id", client_secret="some-secret")
        assert "mutually exclusive" in msg

    @pytest.mark.parametrize("key", ["", "  \n"])
    def test_an_empty_key(self, refused, log, key):
        msg = refused(path=log, api_key=key)
        assert msg.startswith("api_key: the value is empty")
        assert "environment" in msg

    def test_a_key_with_a_line_break(self, refused, log):
        msg = refused(path=log, api_key="first-part\nsecond-part")
        assert msg.startswith("api_key: the value contains a line break")
        assert "part" not in msg.replace("particular", "")


class TestServer:
    def test_wrong_key(self, upload, emulator, log):
        run = upload(path=log, api_key="not-the-right-key")
        assert "POST /api/v1/observations/associatedipaddrs was refused with status 401: API Key is invalid" in run.msg
        assert "Check the credentials" in run.msg
        assert run["status"] == 401
        assert emulator.observations() == []

    def test_host_down(self, upload, log, naps):
        with socket.socket() as port:
            port.bind(("127.0.0.1", 0))
            run = upload(path=log, host=f"127.0.0.1:{port.getsockname()[1]}")
        assert "refused the connection: nothing listens there; check `host` and port" in run.msg
        assert len(naps) >= 3, "it was not tried again"

    def test_unknown_name(self, upload, log):
        run = upload(path=log, host="extrahop.invalid", retries=0)
        assert "`host`" in run.msg
        assert "extrahop.invalid" in run.msg
        assert "cannot be resolved" in run.msg

    def test_tls_not_trusted(self, upload, emulator, log):
        run = upload(path=log, ca_path=None)
        assert f"The TLS certificate of {emulator.host} is not trusted" in run.msg
        assert run.msg.endswith("Instead of `ca_path`, you can set the environment variable EXTRAHOP_CA_PATH.")
        assert emulator.requests() == []

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
    def test_tls_with_a_variable_that_other_programs_read(self, upload, emulator, log, monkeypatch, variable):
        monkeypatch.setenv(variable, emulator.ca_path)
        assert f"The environment variable {variable} is not used for this" in upload(path=log, ca_path=None).msg
        assert not upload(path=log).failed

    def test_tls_with_a_key_log_that_cannot_be_written(self, upload, emulator, log, monkeypatch, tmp_path):
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
        run = upload(path=log, retries=0)
        assert run.msg.startswith(f"The environment variable SSLKEYLOGFILE names {tmp_path}/nowhere/keys, which this user cannot write")
        monkeypatch.delenv("SSLKEYLOGFILE")
        assert upload(path=log).warnings == []

    def test_tls_on_a_host_without_authorities(self, upload, emulator, log, monkeypatch, tmp_path):
        monkeypatch.setattr("requests.utils.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "cacert.pem"))
        msg = upload(path=log, ca_path=None).msg
        assert msg.startswith(
            f"This host has no certificate authorities: the Python library requests looks for them in {tmp_path}/cacert.pem"
        )
        assert "set `ca_path`" in msg
        assert not upload(path=log).failed

    def test_tls_of_the_right_authority_that_strict_checks_refuse(self, upload, start_emulator, log, extrahop, monkeypatch):
        """Python 3.13 and later check strictly, and here every Python does."""
        other = start_emulator("no-key-id")
        assert not upload(path=log, host=other.host, ca_path=other.ca_path).failed or sys.version_info >= (3, 13)
        other.clear_requests()
        make_context = urllib3.connection.create_urllib3_context

        def strict(*args, **options):
            context = make_context(*args, **options)
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            return context

        monkeypatch.setattr("urllib3.connection.create_urllib3_context", strict)
        run = upload(path=log, host=other.host, ca_path=other.ca_path, force=True)
        assert "Missing Authority Key Identifier" in run.msg
        assert f"leads to the authorities in `ca_path` ({other.ca_path}), so these are the right ones" in run.msg
        assert "issued again" in run.msg
        assert "Set `ca_path`" not in run.msg
        assert other.requests() == []

    def test_tls_of_another_authority(self, upload, start_emulator, log, extrahop):
        other = start_emulator("untrusted")
        run = upload(path=log, host=other.host)
        assert "is not trusted" in run.msg
        assert extrahop["ca_path"] in run.msg
        assert other.requests() == []

    def test_tls_for_another_name(self, upload, start_emulator, log):
        other = start_emulator("wrong-host")
        run = upload(path=log, host=other.host, ca_path=other.ca_path)
        assert "was not issued for this name" in run.msg
        assert "set `host` to a name in the certificate" in run.msg
        assert other.requests() == []

    def test_tls_expired(self, upload, start_emulator, log):
        other = start_emulator("expired")
        run = upload(path=log, host=other.host, ca_path=other.ca_path)
        assert "expired" in run.msg
        assert other.requests() == []

    def test_an_expired_certificate_is_not_blamed_on_the_authority(self, upload, start_emulator, log):
        """Another ca_path would not help."""
        other = start_emulator("expired")
        run = upload(path=log, host=other.host, ca_path=other.ca_path)
        assert "Set `ca_path`" not in run.msg

    def test_plain_http_where_https_is_spoken(self, upload, start_emulator, log):
        other = start_emulator("none")
        run = upload(path=log, host=other.host, retries=0)
        assert "No TLS connection to" in run.msg
        assert "check that this port serves HTTPS" in run.msg

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "no certificate",
            "-----BEGIN CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n",
        ],
    )
    def test_ca_path_holds_no_certificate(self, upload, log, tmp_path, content):
        (tmp_path / "ca.pem").write_text(content)
        run = upload(path=log, ca_path=str(tmp_path / "ca.pem"))
        assert "ca_path" in run.msg
        assert "PEM" in run.msg

    def test_certificates_unchecked_on_demand(self, upload, start_emulator, log):
        for certificate in ("untrusted", "wrong-host", "expired"):
            other = start_emulator(certificate)
            assert not upload(path=log, host=other.host, ca_path=None, validate_certs=False).failed

    def test_plain_http_on_demand(self, upload, start_emulator, log):
        other = start_emulator("none")
        assert upload(path=log, host=other.url, validate_certs=False)["counts"]["uploaded"] == 7


def test_requests_missing(extrahop, log):
    run = ModuleProcess("extrahop_observation", {**extrahop, "path": log}, without=("requests", "urllib3")).result()
    assert "requests" in run.msg
    assert "required Python library" in run.msg or "Failed to import" in run.msg


@pytest.mark.parametrize("error", ["AttributeError('no X509_V_FLAG')", "SyntaxError('newer')", "OSError('no libssl')"])
def test_requests_is_damaged(extrahop, log, tmp_path, monkeypatch, error):
    """Parts that do not fit together do not end in an ImportError."""
    (tmp_path / "requests.py").write_text(f"raise {error}", encoding="ascii")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    run = ModuleProcess("extrahop_observation", {**extrahop, "path": log}).result()
    assert "Failed to import the required Python library (requests)" in run.msg
    assert error.partition("(")[0] in run.msg


def test_urllib3_is_too_old(upload, log, monkeypatch):
    """Versions before 1.26 have their Retry without the options that this collection needs."""
    monkeypatch.setattr(_requests, "Retry", type("Retry", (), {}))
    run = upload(path=log)
    assert "Failed to import the required Python library (urllib3 >= 1.26.5)" in run.msg
