#!/usr/bin/env python3
"""Puts many records into a running server, through SQL.

    seed.py N [ENTITY...]    N records of each of Accounts, Opportunities and Contacts, or of these

PORT says which server, CRM_TEST_CACHE where its start script keeps its files. Number I of an entity has the ID
0000000E-0000-4000-8000-00000000000I, both in hexadecimal, with 1 for Accounts, 2 for Opportunities, 3 for Contacts; an
opportunity and a contact belong to the account of the same number. A second call goes on where the first ended.
As after large change sets, 200 records share each time of change; all times are in the past.
"""

import datetime
import os
import sqlite3
import sys

STAGES = ["Lead", "Qualified", "Won"]


def uuid(kind, number):
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


ENTITIES = {
    "Accounts": (
        1,
        ["name", "location", "revenue", "number"],
        lambda i: (f"Account {i:06d}", f"City {i % 97}", i * 100 / 8, i),
    ),
    "Opportunities": (
        2,
        ["name", "stage", "amount", "account_ID"],
        lambda i: (f"Deal {i:06d}", STAGES[i % 3], i * 10.5, uuid(1, i)),
    ),
    "Contacts": (
        3,
        ["firstName", "lastName", "email", "account_ID"],
        lambda i: (f"First {i}", f"Last {i}", f"u{i}@example.com", uuid(1, i)),
    ),
}


def main(count, *entities):
    here = os.path.dirname(os.path.abspath(__file__))
    cache = os.environ.get("CRM_TEST_CACHE") or os.path.join(here, "../../../target/servers")
    path = os.path.join(cache, "cap/run", os.environ.get("PORT", "4004"), "crm.sqlite")
    # `mode=rw`: no server, no database.
    database = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=60)
    count = int(count)
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1, seconds=count / 200)
    for entity in entities or ENTITIES:
        kind, fields, values = ENTITIES[entity]
        [last] = database.execute(f"SELECT max(ID) FROM sales_{entity} WHERE createdBy = 'seed'").fetchone()
        done = int(last[-12:], 16) + 1 if last else 0

        def rows():
            for i in range(done, done + count):
                at = (start + datetime.timedelta(seconds=(i - done) // 200)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
                yield (uuid(kind, i), at, "seed", at, "seed", *values(i))

        columns = ["ID", "createdAt", "createdBy", "modifiedAt", "modifiedBy", *fields]
        marks = ", ".join("?" * len(columns))
        with database:
            database.executemany(f"INSERT INTO sales_{entity} ({', '.join(columns)}) VALUES ({marks})", rows())


if __name__ == "__main__":
    if len(sys.argv) < 2 or not sys.argv[1].isdigit() or not set(sys.argv[2:]) <= set(ENTITIES):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"error: {error}")
