#!/usr/bin/env python3
"""Puts many records into a running server.

    seed.py N [COLLECTION...]    N records of each of account, opportunity and contact, or of these

PORT says which server, CRM_TEST_CACHE where its start script keeps its files. Number I of a collection has the id
0000000C-0000-4000-8000-00000000000I, both in hexadecimal, with 1 for account, 2 for opportunity, 3 for contact; an
opportunity and a contact belong to the account of the same number. A second call goes on where the first ended.
Beside PostgreSQL through SQL, with times of change a hundredth of a second apart and all in the past; else in batches.
"""

import json
import os
import subprocess
import sys
import time

from client import ask, records, request

STAGES = ["Lead", "Qualified", "Won"]


def uuid(kind, number):
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


COLLECTIONS = {
    "account": (1, lambda i: {"name": f"Account {i:06d}", "location": f"City {i % 97}", "revenue": i * 12.5}),
    "opportunity": (
        2,
        lambda i: {"name": f"Deal {i:06d}", "stage": STAGES[i % 3], "amount": i * 10.5, "account": uuid(1, i)},
    ),
    "contact": (
        3,
        lambda i: {
            "firstName": f"First {i}",
            "lastName": f"Last {i}",
            "email": f"u{i}@example.com",
            "account": uuid(1, i),
        },
    ),
}


def copy(collection, rows):
    """All rows through SQL."""
    columns = "id, parent_id, resource_name, last_modified, deleted, data"
    command = ["psql", "-q", "-h", "@kinto-" + os.environ.get("PORT", "8888"), "-U", "kinto", "postgres"]
    command += ["-v", "ON_ERROR_STOP=1", "-c", f"COPY objects ({columns}) FROM STDIN"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as psql:
        start = time.time() - 86400 - len(rows) / 100
        for number, row in enumerate(rows):
            id = row.pop("id")
            at = start + number / 100
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) + f".{int(at * 100) % 100:02d}"
            parent = f"/buckets/crm/collections/{collection}"
            psql.stdin.write("\t".join([id, parent, "record", stamp, "false", json.dumps(row)]) + "\n")
    if psql.returncode:
        sys.exit("error: psql failed")


def batches(collection, rows, size=100):
    """All rows through the server."""
    defaults = {"method": "POST", "path": "/v1/" + records(collection)}
    for first in range(0, len(rows), size):
        requests = [{"body": {"data": row}} for row in rows[first : first + size]]
        status, _, body = request("POST", "batch", json.dumps({"defaults": defaults, "requests": requests}))
        failed = [body] if status >= 300 else [one for one in body["responses"] if one["status"] >= 300]
        if failed:
            sys.exit(f"error: {failed[0]}")


def main(count, *collections):
    here = os.path.dirname(os.path.abspath(__file__))
    cache = os.environ.get("CRM_TEST_CACHE") or os.path.join(here, "../../../target/servers")
    sql = os.path.exists(os.path.join(cache, "kinto/run", os.environ.get("PORT", "8888"), "database"))
    for collection in collections or COLLECTIONS:
        kind, values = COLLECTIONS[collection]
        seeded = f"min_id={uuid(kind, 0)}&max_id={uuid(kind, 0xFFFFFFFFFFFF)}&_sort=-id&_limit=1"
        last = ask("GET", records(collection, seeded))[1]["data"]
        done = int(last[0]["id"][-12:], 16) + 1 if last else 0
        rows = [{"id": uuid(kind, i), **values(i)} for i in range(done, done + int(count))]
        (copy if sql else batches)(collection, rows)


if __name__ == "__main__":
    if len(sys.argv) < 2 or not sys.argv[1].isdigit() or not set(sys.argv[2:]) <= set(COLLECTIONS):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"error: {error}")
