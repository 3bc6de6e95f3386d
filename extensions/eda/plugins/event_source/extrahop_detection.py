# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+
# (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pass detections of ExtraHop to ansible-rulebook, each once, across restarts."""

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
short_description: Receive new or changed detections from ExtraHop
description:
  - An ansible-rulebook event source that searches ExtraHop for detections that were created since the last search, and passes each of
    them to the rules once. The detections of one search are passed on in order of their time.
  - A file, the cursor, records which detections were passed on, so that a restart continues where the last run ended, even after a crash.
  - An event has C(id), C(change) (C(new) or C(changed)) and C(source), the fields of the detection.
  - With O(feedback=true), ansible-rulebook 1.3 or later reports to the source which events the rule engine took. With a database for
    its persistence, the engine also recognises events that it received before a crash, so that each is taken exactly once. Without it, an
    event counts as taken when it left the queue, and up to five events from just before a crash are passed on again.
version_added: 1.1.0
author: secops.xdr contributors
requirements:
  - ansible-core 2.16 or later and requests, in the Python that ansible-rulebook runs on
options:
  host:
    description:
      - The sensor, console or RevealX 360 tenant as C(host), C(host:port) or an C(https://) URL.
      - If not set, the environment variable E(EXTRAHOP_HOST) is used.
    type: str
    required: true
  api_key:
    description:
      - An API key of a sensor or console.
      - Set either this, or O(client_id) and O(client_secret). If neither is set, the environment variable E(EXTRAHOP_API_KEY) is used, then
        E(EXTRAHOP_CLIENT_ID) with E(EXTRAHOP_CLIENT_SECRET).
    type: str
  client_id:
    description:
      - The ID of REST API credentials of RevealX 360. Needs O(client_secret).
      - If not set, the environment variable E(EXTRAHOP_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - The secret of REST API credentials of RevealX 360. Needs O(client_id).
      - If not set, the environment variable E(EXTRAHOP_CLIENT_SECRET) is used.
    type: str
  validate_certs:
    description:
      - Whether the TLS certificate of the server is checked.
      - If not set, the environment variable E(EXTRAHOP_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificate authorities (PEM) that may have signed the certificate of the server.
      - If not set, the environment variable E(EXTRAHOP_CA_PATH) is used.
    type: path
  timeout:
    description:
      - How many seconds to wait for a connection, and for the next bytes of an answer.
      - If not set, the environment variable E(EXTRAHOP_TIMEOUT) is used.
    type: int
    default: 30
  retries:
    description:
      - How many times a request is retried after a temporary failure. A C(Retry-After) of the server is honoured up to 60 seconds.
      - After that, the source waits and asks again, at first after about O(interval) and at most after five minutes.
      - If not set, the environment variable E(EXTRAHOP_RETRIES) is used.
    type: int
    default: 4
  filter:
    description:
      - The C(filter) of the search in the words of ExtraHop's REST API, such as C(categories), C(types), C(risk_score_min) or C(status).
    type: dict
  changes:
    description:
      - Whether a detection is also passed on each time it is changed, with C(change) as C(changed). Then the first time counts as a
        change, too.
      - A rule that changes detections triggers itself with this; let its condition check for what it has done.
    type: bool
    default: false
  start:
    description:
      - Where to begin when there is no cursor yet. With V(latest), detections that were created (with O(changes=true), changed) before the
        source started are left out, also if they become visible later; the time of this host counts. Otherwise, a time as ISO 8601 (in
        UTC, if it has no offset) or epoch milliseconds.
    type: str
    default: latest
  interval:
    description:
      - Seconds between two searches.
    type: float
    default: 10.0
  overlap:
    description:
      - How many seconds each search goes back behind the latest detection that was passed on, because detections become visible late and
        clocks differ. Set it to the longest time that a detection may take from its creation or change until a search finds it.
        Detections that take longer are missed.
      - The default allows for five minutes between clocks and a minute until a search sees what was written.
      - Detections that are ahead of the clock of this host are passed on, but do not move the point from which searches go back.
      - Detections that were passed on within this time are remembered, up to 50000. If there are more, a warning says how
        far back the searches still go.
    type: int
    default: 360
  cursor:
    description:
      - The file that records which detections were passed on. It is created, with its folder, for its owner only.
      - If not set, each host and filter, with and without O(changes), has its own file in C(secops.xdr) in E(XDG_STATE_HOME) or
        C(~/.local/state). In a container, set this to a file on a volume.
    type: path
  feedback:
    description:
      - Whether ansible-rulebook reports which detections the rule engine took. This needs the option C(--persistence-id) of
        ansible-rulebook 1.3 or later.
    type: bool
    default: false
notes:
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY).
  - Keep credentials in the environment or the variables of ansible-rulebook, not in the rulebook.
"""

EXAMPLES = r"""
- name: new detections
  secops.xdr.extrahop_detection:
    host: "{{ extrahop_host }}"
    api_key: "{{ extrahop_api_key }}"

- name: every change of severe detections
  secops.xdr.extrahop_detection:
    # Host and credentials are in the environment: EXTRAHOP_HOST, EXTRAHOP_CLIENT_ID, EXTRAHOP_CLIENT_SECRET.
    filter:
      risk_score_min: 80
    changes: true
    interval: 30
    cursor: /var/lib/eda/severe-detections.json
"""

_WATCH = "ansible_collections.secops.xdr.plugins.plugin_utils._watch.detections"
_LOGGER = logging.getLogger("secops.xdr.extrahop_detection")


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Pass detections on until the source is cancelled or cannot continue.

    Parameters
    ----------
    queue : asyncio.Queue
        Where ansible-rulebook takes the detections from.
    args : dict
        The options of the source, as the rulebook gives them.

    """
    arguments = dict(args)
    feedback = arguments.pop("eda_feedback_queue", None)
    if feedback is None and arguments.get("feedback") is True:
        _LOGGER.warning(
            "feedback: ansible-rulebook gives none. It needs version 1.3 or later and "
            "--persistence-id. Detections count as taken when they leave the queue.",
        )
    await _watch_detections()(queue, arguments, feedback)


def _watch_detections() -> Callable[..., Awaitable[None]]:
    """Import the code of the collection from the folder of this file.

    ansible-rulebook loads this file by its path, without its collection.

    Returns
    -------
    Callable
        The function that searches for detections and passes them on.

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
        function: Callable[..., Awaitable[None]] = importlib.import_module(_WATCH).watch_detections
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
        """Print detections, to try the source by hand with the connection in the environment."""

        async def put(self, item: object) -> None:
            """Print a detection.

            Parameters
            ----------
            item : object
                The detection.

            """
            sys.stdout.write(f"{item}\n")

    asyncio.run(main(_Printer(), {}))
