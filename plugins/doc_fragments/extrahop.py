# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """The connection to an ExtraHop sensor, console or RevealX 360."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - The sensor, console or RevealX 360 tenant as C(host), C(host:port) or an C(https://) URL.
      - An C(http://) URL is accepted only with O(validate_certs=false).
      - If not set, the environment variable E(EXTRAHOP_HOST) is used.
    type: str
    required: true
  api_key:
    description:
      - An API key of a sensor or console. Its account needs full write privileges.
      - Set either this, or O(client_id) and O(client_secret). If the task sets neither, the environment variable E(EXTRAHOP_API_KEY)
        is used, then E(EXTRAHOP_CLIENT_ID) with E(EXTRAHOP_CLIENT_SECRET).
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
      - Whether to check the server's TLS certificate. Set this to V(false) only for a trial.
      - If not set, the environment variable E(EXTRAHOP_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificates (PEM) of the authorities that may sign the server's certificate.
      - If not set, the environment variable E(EXTRAHOP_CA_PATH) is used, then E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE),
        then the authorities that Python's C(requests) trusts on the host.
    type: path
  timeout:
    description:
      - How long to wait, in seconds, for a connection, and then for each further part of an answer.
      - If not set, the environment variable E(EXTRAHOP_TIMEOUT) is used.
    type: int
    default: 30
  retries:
    description:
      - How many times a request is retried after a temporary failure, such as a refused or broken connection or a status of 429, 502, 503
        or 504 (the guide on connections lists all). A C(Retry-After) header is honoured up to 60 seconds.
      - If not set, the environment variable E(EXTRAHOP_RETRIES) is used.
    type: int
    default: 4
notes:
  - Options for the connection are O(host), O(api_key), O(client_id), O(client_secret), O(validate_certs), O(ca_path), O(timeout) and
    O(retries).
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY). A C(.netrc) file is never read.
  - Redirects are not followed, because the credentials would go with them.
"""
