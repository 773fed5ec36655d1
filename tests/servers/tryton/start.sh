#!/usr/bin/env bash
# A Tryton server with a fresh database on loopback, in the foreground. See README.md.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CRM_TEST_CACHE:-$here/../../../target/servers}/tryton
port=${PORT:-8069}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
python=$cache/venv/bin/python
admin=$cache/venv/bin/trytond-admin

work=$cache/run/$port
rm -rf "$work"
mkdir -p "$work"

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
serve=("$python" "$cache/venv/bin/trytond" -c "$work/trytond.conf" -d crm)

# PID: waits until that server answers, a minute at most.
await() {
    for _ in $(seq 240); do
        PORT=$port python3 "$here/client.py" ping 2>/dev/null && return
        kill -0 "$1" 2>/dev/null || break
        sleep 0.25
    done
    echo "tryton did not start; its log:" >&2
    cat "$work/log" >&2
    kill "$1" 2>/dev/null
    return 1
}

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
        "${serve[@]}" >"$work/log" 2>&1 9>&- &
        server=$!
        await "$server"
        PORT=$port python3 -B "$here/boot.py" >&2
        kill "$server"
        wait "$server" || true
        # The database with its write-ahead log, in one file.
        "$python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("VACUUM INTO ?", [sys.argv[2]])' \
            "$work/crm.sqlite" "$cache/template.new"
        mv "$cache/template.new" "$cache/template.sqlite"
        rm -f "$work"/crm.sqlite*
    fi
) 9>"$cache/lock"

cp "$cache/template.sqlite" "$work/crm.sqlite"
# The server takes this process over, so that whoever started the script owns it, SIGKILL included.
(await $$ && echo "http://127.0.0.1:$port/crm/") &
exec "${serve[@]}" >"$work/log" 2>&1
