# What the start scripts share. Sourced, not run. See README.md of each server.

here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)

# NAME PORT: sets `cache`, the server's folder for what is made once a machine, and `work`, an empty folder for this start.
prepare() {
    port=$2
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        echo "port $port is taken: choose another PORT" >&2
        exit 1
    fi
    cache=${CRM_TEST_CACHE:-$here/../../../target/servers}/$1
    mkdir -p "$cache"
    cache=$(cd "$cache" && pwd)
    work=$cache/run/$port
    rm -rf "$work"
    mkdir -p "$work"
}

# PROGRAM PACKAGE: ends with a sentence if a program is missing.
need() {
    command -v "$1" >/dev/null && return
    echo "$1 is missing: install it, with \`apt-get install $2\` on Debian" >&2
    exit 1
}

# FILE...: a short name for their content, so that what is made of them is made again when they change.
content() {
    cat "$@" | cksum | cut -d ' ' -f 1
}

# PID: waits until that process serves, a minute at most.
await() {
    for _ in $(seq 300); do
        kill -0 "$1" 2>/dev/null || break
        PORT=$port python3 -B "$here/client.py" ping >/dev/null 2>&1 && return
        sleep 0.2
    done
    echo "the server did not start; its log:" >&2
    cat "$work/log" >&2
    kill "$1" 2>/dev/null
    return 1
}

# What a start script may do with the server that just started; it says so by a function of its own.
furnish() { :; }

# ADDRESS COMMAND...: becomes the server, so that whoever started the script owns it, SIGKILL included. The address
# is printed once it answers.
serve() {
    address=$1
    shift
    (await $$ && furnish && echo "$address") &
    exec "$@" >"$work/log" 2>&1
}
