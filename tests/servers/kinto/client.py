#!/usr/bin/env python3
"""A small Kinto client for tests, independent of the adapter under test. Prints JSON.

    client.py ping
    client.py create COLLECTION '{"name": "Acme"}'          the record, with its id
    client.py read COLLECTION ID                            the record, or null
    client.py list COLLECTION ['name=Acme&_since=123']      all of them, oldest change first
    client.py count COLLECTION ['name=Acme']
    client.py update COLLECTION ID '{"name": "Acme AG"}'    the record, whatever its version was
    client.py replace COLLECTION ID '{"name": "Acme AG"}'   the same, and the other fields are gone
    client.py delete COLLECTION ID                          its tombstone
    client.py request METHOD PATH [BODY] ['Header: value'...]    {"status": …, "headers": {…}, "body": …}

PORT and CRM_URL (default http://127.0.0.1:PORT/v1/) say where; user and password are sync, the bucket is crm. The path
of a request is relative to the address.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ.get("CRM_URL", f"http://127.0.0.1:{os.environ.get('PORT', '8888')}/v1/").rstrip("/") + "/"
HEADERS = {"Authorization": "Basic " + base64.b64encode(b"sync:sync").decode()}
COLLECTIONS = {
    "account": {},
    "contact": {},
    "opportunity": {},
    # The one that the server checks.
    "activity": {
        "schema": {
            "type": "object",
            "properties": {
                "subject": {"type": "string", "minLength": 1},
                "priority": {"enum": ["low", "normal", "high"]},
            },
            "required": ["subject"],
        }
    },
}


def request(method, path, body=None, headers=None):
    """The status, the headers and the body of the answer, parsed where it is JSON."""
    url = urllib.parse.urljoin(URL, urllib.parse.quote(path, safe="/:?#[]@!$&'()*+,;=%"))
    headers = {**HEADERS, **({} if body is None else {"Content-Type": "application/json"}), **(headers or {})}
    body = None if body is None else body.encode()
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read().decode()
    try:
        text = json.loads(text) if text else None
    except ValueError:
        pass
    return answer.status, {name.lower(): value for name, value in answer.headers.items()}, text


def ask(method, path, data=None):
    """The headers and the body of an answer that is a success; no body where there is nothing."""
    status, headers, body = request(method, path, None if data is None else json.dumps({"data": data}))
    if status == 404 and method == "GET":
        return headers, None
    if status >= 300:
        sys.exit(f"error: {method} {path}: {status} {json.dumps(body)}")
    return headers, body


def records(collection, condition=""):
    return f"buckets/crm/collections/{collection}/records" + ("?" + condition if condition else "")


def list_all(collection, condition=""):
    path = records(collection, "&".join(filter(None, [condition, "_sort=last_modified"])))
    found = []
    while path:
        headers, page = ask("GET", path)
        if page is None:
            sys.exit(f"error: no collection {collection}")
        found += page["data"]
        path = headers.get("next-page")
    return found


def make_collections():
    ask("PUT", "buckets/crm", {})
    for name, settings in COLLECTIONS.items():
        ask("PUT", f"buckets/crm/collections/{name}", settings)


def run(command, *args):
    if command == "ping":
        return ask("GET", "")
    if command == "make-collections":
        return make_collections()
    if command == "request":
        method, path, *args = args
        body, headers = (args[0] or None, args[1:]) if args else (None, [])
        headers = dict(header.split(": ", 1) for header in headers)
        return dict(zip(("status", "headers", "body"), request(method, path, body, headers)))
    collection, *args = args
    if command == "create":
        return ask("POST", records(collection), json.loads(args[0]))[1]["data"]
    if command == "list":
        return list_all(collection, *args)
    if command == "count":
        return int(ask("HEAD", records(collection, *args))[0]["total-objects"])
    path = records(collection) + "/" + urllib.parse.quote(args[0], safe="")
    if command == "read":
        found = ask("GET", path)[1]
        return found and found["data"]
    if command == "update":
        return ask("PATCH", path, json.loads(args[1]))[1]["data"]
    if command == "replace":
        return ask("PUT", path, json.loads(args[1]))[1]["data"]
    if command == "delete":
        return ask("DELETE", path)[1]["data"]
    sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    try:
        result = run(*sys.argv[1:])
    except (OSError, IndexError, ValueError) as error:
        sys.exit(f"error: {error}")
    if sys.argv[1] not in ("ping", "make-collections"):
        print(json.dumps(result))
