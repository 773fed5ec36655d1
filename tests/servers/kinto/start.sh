#!/usr/bin/env bash
# A Kinto server with a fresh store on loopback, in the foreground. See README.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../serve.sh"
need flock util-linux
need python3 "python3 python3-venv"
prepare kinto "${PORT:-8888}"

packages=$cache/packages-$(content "$here/requirements.txt")
kinto=("$packages/bin/python" -W ignore "$packages/bin/kinto")
cp "$here/kinto.ini" "$here/trouble.py" "$work"
cd "$work"
export PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1

# Once a machine: the packages. Whoever comes second waits.
(
    flock 9
    if [ ! -e "$packages/installed" ]; then
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
            echo "Kinto needs Python 3.11 or later" >&2
            exit 1
        }
        echo "installing Kinto from PyPI into $packages (120 MB, once)" >&2
        rm -rf "$packages"
        python3 -m venv "$packages"
        "$packages/bin/pip" -q --disable-pip-version-check install -r "$here/requirements.txt" >&2
        touch "$packages/installed"
    fi
) 9>"$cache/lock"

if [ "${BACKEND:-memory}" = postgresql ]; then
    source "$here/postgresql.sh"
fi

furnish() { python3 -B "$here/client.py" make-collections; }
export PORT=$port
serve "http://127.0.0.1:$port/v1/" "${kinto[@]}" start --ini kinto.ini --port "$port"
