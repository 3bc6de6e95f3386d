# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """How to reach a Stellar Cyber server."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - The Stellar Cyber server as C(host), C(host:port) or an C(https://) URL.
      - An C(http://) URL is taken only with O(validate_certs=false).
      - If not set, the environment variable E(STELLAR_HOST) is used.
    type: str
    required: true
  username:
    description:
      - The email address of the user that O(api_key) belongs to. Its case matters. Not needed with O(auth_method=scoped_key) and
        O(access_token).
      - If not set, the environment variable E(STELLAR_USERNAME) is used.
    type: str
  api_key:
    description:
      - The API key of the user, or a scoped key with O(auth_method=scoped_key). To write events, the user needs root scope and the
        Super Admin profile.
      - Give either this or O(access_token). If the task gives neither, the environment variable E(STELLAR_API_KEY) is used, then
        E(STELLAR_ACCESS_TOKEN).
    type: str
  access_token:
    description:
      - A JSON web token that was fetched before. It cannot be renewed, and ends ten minutes after it was handed out.
      - O(auth_method) has no meaning with it.
    type: str
  auth_method:
    description:
      - What O(api_key) is used for. With V(jwt), a JSON web token is fetched for O(username), once for all requests of a task, and renewed
        before it ends.
      - V(basic) sends user and key with each request; newer servers do not take that.
      - V(scoped_key) fetches a JSON web token for a scoped key, which servers have from version 5.5 on. A scoped key may not read events.
      - If not set, the environment variable E(STELLAR_AUTH_METHOD) is used.
    type: str
    choices: [jwt, basic, scoped_key]
    default: jwt
  validate_certs:
    description:
      - Whether the TLS certificate of the server is checked. Set this to V(false) only to try something out.
      - If not set, the environment variable E(STELLAR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificate authorities (PEM) that may have signed the certificate of the server.
      - If not set, the environment variable E(STELLAR_CA_PATH) is used, then E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE),
        then the authorities that Python's C(requests) trusts on the host.
    type: path
  timeout:
    description:
      - How many seconds to wait for a connection, and for the next bytes of an answer.
      - If not set, the environment variable E(STELLAR_TIMEOUT) is used.
    type: int
    default: 30
  retries:
    description:
      - How often a request is sent again that failed in a way that a repetition can mend. These are refused connections, broken connections
        and the statuses 429, 502, 503 and 504. A C(Retry-After) of the server is honoured up to 60 seconds.
      - Inserts and comments are sent again only where the server surely did not carry them out.
      - If not set, the environment variable E(STELLAR_RETRIES) is used.
    type: int
    default: 4
notes:
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY). A C(.netrc) file is never read.
  - Redirects are not followed, because the credentials would go with them.
"""
