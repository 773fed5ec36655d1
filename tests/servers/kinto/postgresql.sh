# Sourced by start.sh: a PostgreSQL of this start's own beside Kinto, for many records.

postgresql=$(dirname "$(readlink -f "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres | tail -n 1)")
if [ ! -x "$postgresql/initdb" ]; then
    echo "PostgreSQL is missing: install it, with \`apt-get install postgresql\` on Debian" >&2
    exit 1
fi

# It refuses to run as root. It ends with this process, which is to be Kinto.
as=(setpriv --pdeathsig QUIT)
if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid nobody --regid nogroup --clear-groups --pdeathsig QUIT)
    if ! "${as[@]}" test -x "$cache"; then
        echo "as root, PostgreSQL runs as nobody, who cannot reach $cache: set CRM_TEST_CACHE to a folder that anyone can" >&2
        exit 1
    fi
fi

# No port: an abstract socket, by name.
socket=@kinto-$port
export KINTO_STORAGE_BACKEND=kinto.core.storage.postgresql KINTO_PERMISSION_BACKEND=kinto.core.permission.postgresql
export KINTO_STORAGE_URL=postgresql+psycopg2://kinto@/postgres?host=$socket
export KINTO_PERMISSION_URL=$KINTO_STORAGE_URL

start_postgresql() {
    "${as[@]}" "$postgresql/postgres" -D "$work/database" -c listen_addresses= -c unix_socket_directories="$socket" \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=4GB >"$work/postgresql.log" 2>&1 9>&- &
    for _ in $(seq 300); do
        "$postgresql/pg_isready" -q -h "$socket" && return
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    echo "PostgreSQL did not start; its log:" >&2
    cat "$work/postgresql.log" >&2
    exit 1
}

template=$cache/template-$(content "$here/requirements.txt" <("$postgresql/postgres" --version))
(
    flock 9
    if [ ! -e "$template" ]; then
        rm -rf "$template.new"
        mkdir "$work/database"
        [ "$(id -u)" != 0 ] || chown nobody:nogroup "$work/database"
        "${as[@]}" "$postgresql/initdb" -D "$work/database" -U kinto -A trust -E UTF8 --locale C --no-sync >/dev/null
        start_postgresql
        "${kinto[@]}" migrate --ini kinto.ini >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
        kill -INT $!
        wait $! || true
        mv "$work/database" "$template.new"
        mv "$template.new" "$template"
    fi
) 9>"$cache/lock"
cp -a "$template" "$work/database"
start_postgresql
