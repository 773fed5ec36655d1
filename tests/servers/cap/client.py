#!/usr/bin/env python3
"""A small OData client for tests, independent of the adapter under test. Prints JSON.

    client.py ping
    client.py create ENTITY '{"name": "Acme"}'           the record, with its ID
    client.py read ENTITY KEY [FIELD...]                 the record, or null
    client.py list ENTITY ["name eq 'Acme'"] [FIELD...]  all of them, by key
    client.py count ENTITY ["name eq 'Acme'"]
    client.py update ENTITY KEY '{"name": "Acme AG"}'    the record, whatever its ETag was
    client.py delete ENTITY KEY
    client.py request METHOD PATH [BODY] ['Header: value'...]    {"status": …, "headers": {…}, "body": …}

PORT and CRM_URL (default http://127.0.0.1:PORT/odata/v4/crm/) say where; user and password are sync. An empty filter is
no filter. The path of a request is relative to the address, its blanks and quotes may stand as they are.
"""

import base64
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ.get("CRM_URL", f"http://127.0.0.1:{os.environ.get('PORT', '4004')}/odata/v4/crm/").rstrip("/") + "/"
HEADERS = {"Authorization": "Basic " + base64.b64encode(b"sync:sync").decode(), "Accept": "application/json"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


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


def ask(method, path, values=None, headers=None):
    """The body of an answer that is a success; None where there is nothing."""
    status, _, body = request(method, path, values and json.dumps(values), headers)
    if status == 404 and method == "GET":
        return None
    if status >= 300:
        sys.exit(f"error: {method} {path}: {status} {json.dumps(body)}")
    return body


def record(entity, key):
    """The path of a record."""
    return f"{entity}({key})" if UUID.fullmatch(key) else f"{entity}('" + escaped(key.replace("'", "''")) + "')"


def escaped(text):
    return urllib.parse.quote(text, safe="")


def query(**options):
    options = [f"${name}={escaped(value)}" for name, value in options.items() if value]
    return "?" + "&".join(options) if options else ""


def list_all(entity, condition="", *fields):
    orderby = "code" if entity == "Regions" else "ID"
    path = entity + query(filter=condition, select=",".join(fields), orderby=orderby)
    found = []
    while path:
        page = ask("GET", path)
        if page is None:
            sys.exit(f"error: no {entity}")
        found += page["value"]
        path = page.get("@odata.nextLink")
    return found


def run(command, *args):
    if command == "ping":
        return ask("GET", "")
    if command == "request":
        method, path, *args = args
        body, headers = (args[0] or None, args[1:]) if args else (None, [])
        headers = dict(header.split(": ", 1) for header in headers)
        return dict(zip(("status", "headers", "body"), request(method, path, body, headers)))
    entity, *args = args
    if command == "create":
        return ask("POST", entity, json.loads(args[0]))
    if command == "list":
        return list_all(entity, *args)
    if command == "count":
        return ask("GET", entity + "/$count" + query(filter="".join(args)))
    path = record(entity, args[0])
    if command == "read":
        return ask("GET", path + query(select=",".join(args[1:])))
    if command == "update":
        return ask("PATCH", path, json.loads(args[1]), {"If-Match": "*"})
    if command == "delete":
        return ask("DELETE", path, headers={"If-Match": "*"})
    sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    try:
        result = run(*sys.argv[1:])
    except (OSError, IndexError, ValueError) as error:
        sys.exit(f"error: {error}")
    if sys.argv[1] != "ping":
        print(json.dumps(result))
