#!/usr/bin/env bash
# A Tryton server with a fresh database on loopback, in the foreground. See README.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../serve.sh"
need flock util-linux
need python3 "python3 python3-venv"
prepare tryton "${PORT:-8069}"

python=$cache/venv/bin/python
admin=$cache/venv/bin/trytond-admin

cat >"$work/trytond.conf" <<CONF
[database]
uri = sqlite://
path = $work
[web]
listen = 127.0.0.1:$port
[session]
timeout = 86400
CONF
# `-d` fills the database's pool, without which logins fail.
server=("$python" "$cache/venv/bin/trytond" -c "$work/trytond.conf" -d crm)

# Once a machine: the packages, and a database that later ones are copies of. Whoever comes second waits.
(
    flock 9
    if [ ! -e "$cache/installed" ]; then
        echo "installing tryton into $cache (about two minutes, once)" >&2
        python3 -m venv "$cache/venv"
        "$cache/venv/bin/pip" -q install 'trytond==8.2.*' 'trytond-party==8.2.*' \
            'trytond-sale-opportunity==8.2.*' 'trytond-company==8.2.*' >&2
        touch "$cache/installed"
    fi
    if [ ! -e "$cache/template.sqlite" ]; then
        touch "$work/crm.sqlite"
        echo admin >"$work/password"
        export TRYTONPASSFILE=$work/password
        "$admin" -c "$work/trytond.conf" -d crm --all --email admin@example.com </dev/null >&2
        "$admin" -c "$work/trytond.conf" -d crm -u sale_opportunity company --activate-dependencies </dev/null >&2
        "${server[@]}" >"$work/log" 2>&1 9>&- &
        await $!
        PORT=$port python3 -B "$here/boot.py" >&2
        kill $!
        wait $! || true
        # The database with its write-ahead log, in one file.
        "$python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("VACUUM INTO ?", [sys.argv[2]])' \
            "$work/crm.sqlite" "$cache/template.new"
        mv "$cache/template.new" "$cache/template.sqlite"
        rm -f "$work"/crm.sqlite*
    fi
) 9>"$cache/lock"

cp "$cache/template.sqlite" "$work/crm.sqlite"
serve "http://127.0.0.1:$port/crm/" "${server[@]}"
