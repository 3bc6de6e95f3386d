# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """The connection to a Stellar Cyber server."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - The Stellar Cyber server as C(host), C(host:port) or an C(https://) URL.
      - An C(http://) URL is accepted only with O(validate_certs=false).
      - If not set, the environment variable E(STELLAR_HOST) is used.
    type: str
    required: true
  username:
    description:
      - The email address (case-sensitive) of the user that O(api_key) belongs to. Not needed with O(auth_method=scoped_key) and
        O(access_token).
      - If not set, the environment variable E(STELLAR_USERNAME) is used.
    type: str
  api_key:
    description:
      - The API key of the user, or a scoped key with O(auth_method=scoped_key). To write events, the user needs root scope and the
        Super Admin profile.
      - Set either this or O(access_token). If the task sets neither, the environment variable E(STELLAR_API_KEY) is used, then
        E(STELLAR_ACCESS_TOKEN).
    type: str
  access_token:
    description:
      - A JSON web token that you already have. It cannot be renewed, and expires ten minutes after it was issued.
      - O(auth_method) has no effect with it.
    type: str
  auth_method:
    description:
      - How O(api_key) is used. With V(jwt), the module fetches one JSON web token for O(username), uses it for all requests of a task, and
        renews it before it expires.
      - V(basic) sends user and key with each request; newer servers do not accept that.
      - V(scoped_key) fetches a JSON web token for a scoped key, which servers have from version 5.5 on. A scoped key may not read events.
      - If not set, the environment variable E(STELLAR_AUTH_METHOD) is used.
    type: str
    choices: [jwt, basic, scoped_key]
    default: jwt
  validate_certs:
    description:
      - Whether to check the server's TLS certificate. Set this to V(false) only for a trial.
      - If not set, the environment variable E(STELLAR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificates (PEM) of the authorities that may sign the server's certificate.
      - If not set, the environment variable E(STELLAR_CA_PATH) is used, then E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE),
        then the authorities that Python's C(requests) trusts on the host.
    type: path
  timeout:
    description:
      - How long to wait, in seconds, for a connection, and then for each further part of an answer.
      - If not set, the environment variable E(STELLAR_TIMEOUT) is used.
    type: int
    default: 30
  retries:
    description:
      - How many times a request is retried after a temporary failure, such as a refused or broken connection or a status of 429, 502, 503
        or 504 (the guide on connections lists all). A C(Retry-After) header is honoured up to 60 seconds.
      - Inserts and comments are retried only if the server certainly did not carry them out.
      - If not set, the environment variable E(STELLAR_RETRIES) is used.
    type: int
    default: 4
notes:
  - Options for the connection are O(host), O(username), O(api_key), O(access_token), O(auth_method), O(validate_certs), O(ca_path),
    O(timeout) and O(retries).
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY). A C(.netrc) file is never read.
  - Redirects are not followed, because the credentials would go with them.
"""
