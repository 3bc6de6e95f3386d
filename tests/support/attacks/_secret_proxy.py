# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy that refuses every client and repeats its credentials."""

from __future__ import annotations

import base64
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Handler(BaseHTTPRequestHandler):
    def do_CONNECT(self) -> None:  # the name is that of the method
        """Refuses, in a status line with the header as it came and as it is read."""
        header = self.headers.get("Proxy-Authorization", "")
        pair = base64.b64decode(header.partition(" ")[2]).decode()
        self.send_response(407, f"Refused: {header} ({pair})")
        self.end_headers()

    def log_message(self, *_parts: object) -> None:
        """Logs nothing."""


@contextmanager
def echoing_proxy() -> Iterator[str]:
    """Its address on the loopback, `host:port`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
