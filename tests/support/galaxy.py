# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m support.galaxy ARTIFACT PORT`: serve one collection as Galaxy does (API version 3), over HTTP on the loopback."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import sys
from pathlib import Path
from typing import Any


class _Handler(http.server.BaseHTTPRequestHandler):
    artifact: Path

    def do_GET(self) -> None:
        content = self.artifact.read_bytes()
        if self.path.endswith(self.artifact.name):
            self._answer(content, "application/octet-stream")
            return
        namespace, name, version = self.artifact.name.removesuffix(".tar.gz").split("-", 2)
        collection = f"/api/v3/collections/{namespace}/{name}"
        details = {
            "namespace": {"name": namespace},
            "collection": {"name": name},
            "version": version,
            "download_url": f"http://{self.headers['Host']}/{self.artifact.name}",
            "artifact": {"sha256": hashlib.sha256(content).hexdigest()},
            "metadata": {"dependencies": {}},
            "href": f"{collection}/versions/{version}/",
            "signatures": [],
        }
        answers: dict[str, Any] = {
            "/api/": {"available_versions": {"v3": "v3/"}},
            f"{collection}/": {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"},
            f"{collection}/versions/": {"meta": {"count": 1}, "links": {"next": None}, "data": [{"version": version}]},
            f"{collection}/versions/{version}/": details,
        }
        path = re.sub(r"\?.*", "", self.path)
        if path not in answers:
            self.send_error(404)
            return
        self._answer(json.dumps(answers[path]).encode(), "application/json")

    def _answer(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Log nothing."""


if __name__ == "__main__":
    _Handler.artifact = Path(sys.argv[1])
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), _Handler).serve_forever()
