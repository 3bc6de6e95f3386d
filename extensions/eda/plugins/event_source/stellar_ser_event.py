# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+
# (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pass security events of Stellar Cyber to ansible-rulebook, each once, across restarts."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DOCUMENTATION = r"""
---
short_description: Receive new or changed security events from Stellar Cyber
description:
  - An ansible-rulebook event source that searches Stellar Cyber for events that were written since the last search, and passes each of
    them to the rules once. The events of one search are passed on in order of their time of writing.
  - A file, the cursor, records
    which events were passed on, so that a restart continues where the last run ended, even after a crash.
  - An event has C(index), C(id), C(change) (C(new) or C(changed)) and C(source), the fields of the event.
  - An event without a time of writing (C(write_time)) is found by its C(timestamp).
  - With O(feedback=true), ansible-rulebook 1.3 or later reports to the source which events the rule engine took. With a database for
    its persistence, the engine also recognises events that it received before a crash, so that each is taken exactly once. Without it, an
    event counts as taken when it left the queue, and up to five events from just before a crash are passed on again.
  - The account needs the right to read events, which scoped keys do not have.
version_added: 1.0.0
author: secops.xdr contributors
requirements:
  - ansible-core 2.16 or later and requests, in the Python that ansible-rulebook runs on
options:
  host:
    description:
      - The Stellar Cyber server as C(host), C(host:port) or an C(https://) URL.
      - If not set, the environment variable E(STELLAR_HOST) is used.
    type: str
    required: true
  username:
    description:
      - The email address of the user that O(api_key) belongs to. Its case matters.
      - If not set, the environment variable E(STELLAR_USERNAME) is used.
    type: str
  api_key:
    description:
      - The API key of the user.
      - If neither this nor O(access_token) is set, the environment variable E(STELLAR_API_KEY) is used, then E(STELLAR_ACCESS_TOKEN).
    type: str
  access_token:
    description:
      - A JSON web token that the caller already has. It cannot be renewed, so the source ends when the token does, after ten minutes.
        For tests only.
    type: str
  auth_method:
    description:
      - With V(jwt), tokens are fetched with O(username) and O(api_key) and renewed before they end.
      - V(basic) sends user and key with each request; newer servers do not accept that.
      - V(scoped_key) is for servers that let scoped keys read.
      - If not set, the environment variable E(STELLAR_AUTH_METHOD) is used.
    type: str
    choices: [jwt, basic, scoped_key]
    default: jwt
  validate_certs:
    description:
      - Whether the TLS certificate of the server is checked.
      - If not set, the environment variable E(STELLAR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificate authorities (PEM) that may have signed the certificate of the server.
      - If not set, the environment variable E(STELLAR_CA_PATH) is used.
    type: path
  timeout:
    description:
      - How many seconds to wait for a connection, and for the next bytes of an answer.
      - If not set, the environment variable E(STELLAR_TIMEOUT) is used.
    type: int
    default: 30
  retries:
    description:
      - How many times a request is retried after a temporary failure. A C(Retry-After) of the server is honoured up to 60 seconds.
      - After that, the source waits and asks again, at first after about O(interval) and at most after five minutes.
      - If not set, the environment variable E(STELLAR_RETRIES) is used.
    type: int
    default: 4
  index:
    description:
      - The index or pattern in which to search for events. On SaaS it is C(stellar-index-v1-ser-{org_id}-*).
    type: str
    default: aella-ser-*
  query:
    description:
      - Only events that match this Lucene query.
    type: str
  tenants:
    description:
      - Only events of these tenants, by their ids (C(tenantid)). If not set, all that the account may read.
    type: list
    elements: str
  changes:
    description:
      - Whether an event is also passed on each time somebody changes its status, comments or tags, with C(change) as C(changed).
      - A rule that changes events triggers itself with this; let its condition check for what it has done.
    type: bool
    default: false
  start:
    description:
      - Where to begin when there is no cursor yet. With V(latest), events that were written before the source started are left out, also
        if they become visible later; the time of this host counts. Otherwise, a time of writing, as ISO 8601 (in UTC, if it has no
        offset) or epoch milliseconds.
    type: str
    default: latest
  interval:
    description:
      - Seconds between two searches.
    type: float
    default: 10.0
  overlap:
    description:
      - How many seconds each search goes back behind the latest event that was passed on, because events become visible late and
        clocks differ. Set it to the longest time that an event may take from its time of writing until a search finds it. Events that
        take longer are missed.
      - The default allows for five minutes between clocks and a minute until a search sees what was written.
      - Events that are ahead of the clock of this host are passed on, but do not move the point from which searches go back.
      - Events that were passed on within this time are remembered, up to 50000 events of each kind. If there are more, a warning says how
        far back the searches still go.
    type: int
    default: 360
  cursor:
    description:
      - The file that records which events were passed on. It is created, with its folder, for its owner only.
      - If not set, each host, index, query and list of tenants has its own file in C(secops.xdr) in E(XDG_STATE_HOME) or
        C(~/.local/state). In a container, set this to a file on a volume.
    type: path
  feedback:
    description:
      - Whether ansible-rulebook reports which events the rule engine took. This needs the option C(--persistence-id) of ansible-rulebook
        1.3 or later.
    type: bool
    default: false
notes:
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY).
  - Keep credentials in the environment or the variables of ansible-rulebook, not in the rulebook.
"""

EXAMPLES = r"""
- name: new security events
  secops.xdr.stellar_ser_event:
    host: "{{ stellar_host }}"
    username: "{{ stellar_username }}"
    api_key: "{{ stellar_api_key }}"

- name: severe events of two tenants that are new or were changed
  secops.xdr.stellar_ser_event:
    # Host and credentials are in the environment: STELLAR_HOST, STELLAR_USERNAME, STELLAR_API_KEY.
    query: "event_score:>=75 AND event_status:(New OR \"In Progress\")"
    tenants:
      - 6d0f3b4c1a5e
      - 9b2e7f80c3d1
    changes: true
    interval: 30
    cursor: /var/lib/eda/severe.json

- name: each event exactly once, with ansible-rulebook --persistence-id
  secops.xdr.stellar_ser_event:
    feedback: true
    start: "2026-11-01T00:00:00Z"
"""

_WATCH = "ansible_collections.secops.xdr.plugins.plugin_utils._watch.watch"
_LOGGER = logging.getLogger("secops.xdr.stellar_ser_event")


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Pass events on until the source is cancelled or cannot continue.

    Parameters
    ----------
    queue : asyncio.Queue
        Where ansible-rulebook takes the events from.
    args : dict
        The options of the source, as the rulebook gives them.

    """
    arguments = dict(args)
    feedback = arguments.pop("eda_feedback_queue", None)
    if feedback is None and arguments.get("feedback") is True:
        _LOGGER.warning(
            "feedback: ansible-rulebook gives none. It needs version 1.3 or later and "
            "--persistence-id. Events count as taken when they leave the queue.",
        )
    await _watch_events()(queue, arguments, feedback)


def _watch_events() -> Callable[..., Awaitable[None]]:
    """Import the code of the collection from the folder of this file.

    ansible-rulebook loads this file by its path, without its collection.

    Returns
    -------
    Callable
        The function that searches for events and passes them on.

    Raises
    ------
    ImportError
        If the collection or ansible-core is missing.

    """
    parents = Path(__file__).absolute().parents
    collections = next((path for path in parents if path.name == "ansible_collections"), None)
    if collections and str(collections.parent) not in sys.path:
        sys.path.append(str(collections.parent))
    try:
        path = importlib.import_module("ansible_collections").__path__
        if collections and str(collections) not in list(path):
            # The package `ansible` brings one of its own, which does not look any further.
            path.append(str(collections))
        function: Callable[..., Awaitable[None]] = importlib.import_module(_WATCH).watch_events
    except ImportError as error:
        message = (
            f"The code of the collection secops.xdr cannot be imported ({error}). "
            "It needs ansible-core 2.16 or later in the Python that ansible-rulebook runs on "
            f"({sys.executable}), and this file in its place in the installed collection."
        )
        raise ImportError(message) from error
    return function


if __name__ == "__main__":

    class _Printer(asyncio.Queue[Any]):
        """Print events, to try the source by hand with the connection in the environment."""

        async def put(self, item: object) -> None:
            """Print an event.

            Parameters
            ----------
            item : object
                The event.

            """
            sys.stdout.write(f"{item}\n")

    asyncio.run(main(_Printer(), {}))
