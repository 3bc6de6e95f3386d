# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No text from outside that repeats a secret is shown, whatever it was encoded in. The encoders here share nothing with the decoders."""

from __future__ import annotations

import base64
import json
import string
import unicodedata
from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import quote_plus

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.secops.xdr.plugins.module_utils import _secrets
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.secops.xdr.plugins.module_utils._secrets import NOT_SHOWN, SecretKeeper, is_postgresql, keep_ledger_password

Encoder = Callable[[str], str]
KEY = "Zq8Lw0x/Pq3R+tYv7nK2mB5cD9fG1hJ4"
NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
MESSAGES = (
    "The request failed: all shards failed (query_shard_exception)",
    "No mapping found for [user_action.last_modified] in order to sort on",
    'FATAL:  password authentication failed for user "ledger"',
    "https://login.example.com/sso/start?return=%2Fconnect%2Fapi%2Fv1&state=0f3a9c71d2be4586",
    "d41d8cd98f00b204e9800998ecf8427e is no document of aella-ser-1618012988732-",
    "Grüße aus Zürich: 東京 &amp; Nürnberg \\u00e9\\n",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl is expired",
)


def utf16_units(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [data[place] * 256 + data[place + 1] for place in range(0, len(data), 2)]


def wrapped(text: str, width: int) -> str:
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODERS: dict[str, Encoder] = {
    "as it is": str,
    "HTML, named": lambda text: "".join(NAMED.get(one, one) for one in text),
    "HTML, decimal": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#X{ord(one):X};" for one in text),
    "percent, all": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent, lower case": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent, every other": lambda text: "".join(
        one if place % 2 and one.isascii() and one not in "%+" else "".join(f"%{byte:02X}" for byte in one.encode())
        for place, one in enumerate(text)
    ),
    "form": quote_plus,
    "percent u": lambda text: "".join(f"%u{unit:04x}" for unit in utf16_units(text)),
    "JSON, all": lambda text: "".join(f"\\u{unit:04x}" for unit in utf16_units(text)),
    "JSON, capitals": lambda text: "".join(f"\\u{unit:04X}" for unit in utf16_units(text)),
    "JavaScript": lambda text: "".join(f"\\u{{{ord(one):x}}}" for one in text),
    "Python, long": lambda text: "".join(f"\\U{ord(one):08x}" for one in text),
    "bytes in hexadecimal escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "bytes in octal escapes": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "backslashes": lambda text: "".join(f"\\{one}" if one in "\"'\\/" else one for one in text),
    "quoted-printable": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "base64": b64,
    "base64, one before": lambda text: b64(f"x{text}y"),
    "base64, two before": lambda text: b64(f"::{text}"),
    "base64 of a pair": lambda text: b64(f"someone@example.com:{text}"),
    "base64 for URLs, no padding": lambda text: b64(f"a{text}").replace("+", "-").replace("/", "_").rstrip("="),
    "base64 in lines": lambda text: wrapped(b64(f"ab{text}c"), 10),
    "base64 amid letters": lambda text: f"token{b64(text)}",
    "base64, in one case": lambda text: b64(f"no{text}").lower(),
    "base64 of another character set": lambda text: base64.b64encode(text.encode("latin-1", "ignore")).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, capitals": lambda text: text.encode().hex().upper(),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "hexadecimal with 0x": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
    "numbers of bytes": lambda text: str(list(text.encode())),
    "numbers of bytes in JSON": lambda text: json.dumps({"type": "Buffer", "data": list(text.encode())}, separators=(",", ":")),
    "hexadecimal amid others": lambda text: f"f{text.encode().hex()}00",
    "read as Latin-1": lambda text: text.encode().decode("latin-1"),
    "read as Windows-1252": lambda text: text.encode().decode("cp1252", "ignore"),
    "read as DOS text": lambda text: text.encode().decode("cp437"),
    "capitals": str.upper,
    "lower case": str.lower,
    "other case": str.swapcase,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "with spaces": " ".join,
    "with zero-width spaces": "\u200b".join,
}
NOT_FOR_EVERY_TEXT = {
    "base64 of another character set": lambda text: all(ord(one) < 256 for one in text),
    "base64, in one case": str.isascii,
    "read as Windows-1252": lambda text: text.isascii() or text.encode().decode("cp1252", "replace").count("\ufffd") == 0,
    # What is written between the characters takes part in what they are encoded in next.
    "base64 in lines": lambda text: True,
}
LAST_ONLY = ("base64, in one case", "with spaces", "with zero-width spaces", "decomposed", "capitals", "lower case", "other case")
"""These come last: an encoding after them would contain the changed case and white space, so it would be that of another text."""
NESTABLE = [name for name in ENCODERS if name not in LAST_ONLY and name not in NOT_FOR_EVERY_TEXT and "DOS" not in name]

ascii_secrets = st.text(string.ascii_letters + string.digits + string.punctuation, min_size=6, max_size=40)
words = st.text("aäéßñжшяйπΣ한東😀ÅŁ0kZ-_/\"'&%\\<", min_size=6, max_size=20)
secrets = st.one_of(ascii_secrets, words)


def keeper_of(*known: str) -> SecretKeeper:
    keeper = SecretKeeper()
    for one in known:
        keeper.add(one)
    return keeper


@pytest.mark.parametrize("name", ENCODERS)
@hypothesis.settings(max_examples=15)
@hypothesis.given(secret=secrets, data=st.data())
def test_each_form_of_each_part_of_a_secret_hides_the_text(name: str, secret: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(secret) - 6))
    part = secret[start : data.draw(st.integers(start + 6, len(secret)))]
    hypothesis.assume(NOT_FOR_EVERY_TEXT.get(name, lambda text: True)(part))

    assert keeper_of(secret).shown(f"refused: {ENCODERS[name](part)} !", 2000) == NOT_SHOWN


@hypothesis.settings(max_examples=150)
@hypothesis.given(secrets, st.lists(st.sampled_from(NESTABLE), min_size=2, max_size=3), st.sampled_from(["", "said: ", '{"error": "']))
def test_forms_within_forms_hide_the_text(secret: str, names: list[str], before: str):
    text = secret[:12]
    for name in names:
        text = ENCODERS[name](text)

    assert keeper_of(secret).shown(before + text, 5000) == NOT_SHOWN


@pytest.mark.parametrize("name", ["HTML, hexadecimal", "percent, all", "JSON, all", "base64", "hexadecimal", "read as Latin-1"])
def test_the_same_form_again_and_again_hides_the_text(name: str):
    text = "Zürich-пароль"[:8]
    for _time in range(4):
        text = ENCODERS[name](text)
        assert keeper_of("Zürich-пароль").shown(text, 20_000) == NOT_SHOWN


def test_too_many_encodings_hide_the_text():
    text = "anything"
    for _time in range(20):
        text = text.replace("%", "%25").replace("a", "%61")

    assert keeper_of(KEY).shown(text) == NOT_SHOWN


@hypothesis.settings(max_examples=60)
@hypothesis.given(st.integers(0, 25), st.integers(1, 5))
def test_five_characters_of_a_secret_may_be_shown(start: int, length: int):
    part = KEY[start : start + length]

    assert keeper_of(KEY).shown(f"refused: {part}") == f"refused: {part}"


@pytest.mark.parametrize("message", MESSAGES)
@hypothesis.settings(max_examples=20)
@hypothesis.given(st.lists(st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=60), min_size=1, max_size=5))
def test_texts_without_a_secret_are_shown_unchanged(message: str, known: list[str]):
    assert keeper_of(*known).shown(message) == message


@pytest.mark.parametrize(
    ("secret", "text", "is_shown"),
    [
        ("~Q7", "the key ~Q7 is unknown", False),
        ("~Q7", "the key ~q7 is unknown", False),
        ("~Q7", "the key %7EQ7 is unknown", False),
        ("~Q7", f"the key {b64('x~Q7')} is unknown", False),
        ("~Q7", "the key Q7 is unknown", True),
        ("tiger", "a tiger", False),
        ("tiger", "a tige", True),
        ("secret", "the secret is wrong", False),
        ("unprivileged", "the account has no privileges", False),
        ("unprivileged", "the account has no rights", True),
    ],
)
def test_short_secrets_and_common_words(secret: str, text: str, is_shown: bool):
    assert keeper_of(secret).shown(text) == (text if is_shown else NOT_SHOWN)


def test_only_the_shown_part_is_searched():
    text = f"{'the server is busy. ' * 100_000}{KEY}"
    shown = keeper_of(KEY).shown(text)

    assert shown.startswith("the server is busy.")
    assert len(shown) == 301
    assert keeper_of(KEY).shown(text[:290] + KEY) == NOT_SHOWN, "cut short by us"


def test_a_secret_that_is_added_later_is_known_at_once():
    keeper = keeper_of("first-secret")
    assert keeper.shown(KEY) == KEY
    keeper.add(KEY)
    assert keeper.shown(KEY) == NOT_SHOWN


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_secret_hides_nothing(nothing: str | None):
    keeper = SecretKeeper()
    keeper.add(nothing)
    assert keeper.shown("text") == "text"


def test_ansible_learns_each_form():
    announced: list[str] = []
    SecretKeeper(announced.append).add("a b/c")
    assert {"a b/c", "a%20b%2Fc", "a+b%2Fc", b64("a b/c")} <= set(announced)


def test_ansible_with_a_register_of_secrets_holds_each_form(monkeypatch: pytest.MonkeyPatch):
    registered: list[str] = []
    monkeypatch.setattr(_secrets, "register_secret", registered.append)
    keeper = SecretKeeper()
    keeper.add_pair("someone", "a b/c")
    keeper.add("handed-out-token")
    assert {"a b/c", "a%20b%2Fc", "a+b%2Fc", b64("someone:a b/c"), "handed-out-token"} <= set(registered)
    assert len(registered) == len(set(registered))


def test_ansible_has_that_register_from_2_22_on():
    major, minor = version("ansible-core").split(".")[:2]
    assert (_secrets.register_secret is not None) == ((int(major), int(minor)) >= (2, 22))


@pytest.mark.parametrize("location", ["postgresql://db/ledger", "postgres://db/ledger", "PostgreSQL://db/ledger"])
def test_a_postgresql_url_is_a_database(location: str) -> None:
    assert is_postgresql(location)


@pytest.mark.parametrize("location", [None, "", "ledger.sqlite3", "/var/lib/postgresql/ledger", "~/postgresql:/x"])
def test_any_other_ledger_is_a_file(location: str | None) -> None:
    assert not is_postgresql(location)


@pytest.mark.parametrize("location", ["mysql://user:secret@db/ledger", "https://user:secret@db/ledger"])
def test_other_urls_are_refused_and_not_shown(location: str) -> None:
    with pytest.raises(LedgerError, match="only a file or a postgresql:// URL") as caught:
        open_ledger(location, read_only=False)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "secret"),
    [
        ("postgresql://ledger:hunter2@db:5432/ledger", "hunter2"),
        ("postgresql://ledger:hunter%202@db/ledger", "hunter 2"),
        ("postgresql://ledger:hunter%202@db/ledger", "hunter%202"),
        ("postgresql://ledger:h@nter@db/ledger", "h@nter"),
        ("postgresql://ledger:hun/ter@db/ledger", "hun/ter"),
        ("postgresql://ledger:hun?ter@db/ledger", "hun?ter"),
        ("postgresql://ledger:hun:ter@db/ledger", "hun:ter"),
        ("postgresql://db/ledger?user=ledger&password=hunter2&sslmode=require", "hunter2"),
        ("postgresql://db/ledger?sslpassword=hunter2", "hunter2"),
        ("mysql://ledger:hunter2@db/ledger", "hunter2"),
        ("POSTGRESQL://ledger:hunter2@db/ledger", "hunter2"),
    ],
)
def test_the_password_in_a_url_is_kept(location: str, secret: str) -> None:
    keeper = SecretKeeper()
    keep_ledger_password(location, keeper)
    assert keeper.shown(f"before {secret} after") == NOT_SHOWN
    assert keeper.shown(location) == NOT_SHOWN


@pytest.mark.parametrize("location", [None, "/home/ledger", "postgresql://db/ledger", "postgresql://ledger@db/ledger"])
def test_without_a_password_in_a_url_nothing_is_hidden(location: str | None) -> None:
    keeper = SecretKeeper()
    keep_ledger_password(location, keeper)
    assert keeper.shown(f"{location} ledger db") == f"{location} ledger db"
