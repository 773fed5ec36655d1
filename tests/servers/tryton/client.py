#!/usr/bin/env python3
"""A small JSON-RPC client for tests, independent of the adapter under test. Prints JSON.

    client.py ping
    client.py create MODEL '{"name": "Acme"}'            the id
    client.py read MODEL ID FIELD...                     the record, or null
    client.py search MODEL ['[["name", "=", "Acme"]]'] [FIELD...]
    client.py write MODEL ID '{"name": "Acme AG"}'
    client.py delete MODEL ID
    client.py call METHOD '[parameters without the context]'

PORT and CRM_URL (default http://127.0.0.1:PORT/crm/) say where; user and password are admin. Dates and decimals
are written as Tryton does: {"__class__": "Decimal", "decimal": "10.5"}. Archived records are found too.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("CRM_URL", f"http://127.0.0.1:{os.environ.get('PORT', '8069')}/crm/").rstrip("/")


def post(url, method, params, headers=None):
    body = json.dumps({"id": 1, "method": method, "params": params}).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        answer = json.load(answer)
    if answer.get("error"):
        sys.exit("error: " + json.dumps(answer["error"]))
    return answer["result"]


class Client:
    """A session."""

    def __init__(self):
        user, key, _ = post(URL + "/rpc/", "common.db.login", ["admin", {"password": "admin"}])
        login = base64.b64encode(f"admin:{user}:{key}".encode()).decode()
        self.headers = {"Authorization": "Session " + login}
        self.context = {}
        preferences = self.call("model.res.user.get_preferences", [True])
        self.context = {"active_test": False}
        if preferences.get("company"):
            self.context["company"] = preferences["company"]

    def call(self, method, params):
        return post(URL + "/rpc/", method, [*params, self.context], self.headers)

    def search(self, model, domain, fields):
        return self.call(f"model.{model}.search_read", [domain, 0, None, [["id", "ASC"]], fields or ["rec_name"]])


def run(command, *args):
    if command == "ping":
        return post(URL.rsplit("/", 1)[0] + "/rpc/", "common.server.version", [])
    client = Client()
    if command == "call":
        return client.call(args[0], json.loads(args[1]))
    model, *args = args
    if command == "create":
        return client.call(f"model.{model}.create", [[json.loads(args[0])]])[0]
    if command == "search":
        return client.search(model, json.loads(args[0]) if args else [], args[1:])
    number = int(args[0])
    if command == "read":
        return next(iter(client.search(model, [["id", "=", number]], args[1:])), None)
    if command == "write":
        return client.call(f"model.{model}.write", [[number], json.loads(args[1])])
    if command == "delete":
        return client.call(f"model.{model}.delete", [[number]])
    sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    try:
        result = run(*sys.argv[1:])
    except urllib.error.URLError as error:
        sys.exit(f"error: {error}")
    if sys.argv[1] != "ping":
        print(json.dumps(result))
