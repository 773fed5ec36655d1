#!/usr/bin/env bash
# A SAP CAP server (OData 4) with a fresh database on loopback, in the foreground. See README.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../serve.sh"
need flock util-linux
need python3 python3
prepare cap "${PORT:-4004}"

app=$here/app
packages=$cache/packages-$(content "$app/package-lock.json")
template=$cache/template-$(content "$app"/package*.json "$app"/*/*).sqlite

# The server as a project of its own: its sources, their packages, and the database beside them.
cp -r "$app/." "$work"
ln -s "$packages/node_modules" "$work/node_modules"
cd "$work"
export NODE_NO_WARNINGS=1 PORT=$port
unset NODE_ENV NODE_OPTIONS CDS_ENV CDS_CONFIG

# Sets `node` to a Node.js that is new enough: the machine's, or else the one among the packages.
find_node() {
    for node in node "$packages"/node_modules/node-linux-*/bin/node; do
        "$node" -e 'require("node:sqlite")' 2>/dev/null && return
    done
    return 1
}

# Once a machine: the packages, and a database that later ones are copies of. Whoever comes second waits.
(
    flock 9
    if ! find_node || [ ! -e "$packages" ]; then
        need npm npm
        # Two packages are optional: Node.js itself.
        with=(--include=optional)
        size=200
        ! find_node || { with=(--omit=optional); size=10; }
        echo "installing SAP CAP from npm into $packages ($size MB, once)" >&2
        rm -rf "$packages" "$packages.new"
        mkdir "$packages.new"
        cp "$app"/package*.json "$packages.new"
        (cd "$packages.new" && npm ci "${with[@]}" --ignore-scripts --no-fund --no-audit --loglevel=error >&2)
        mv "$packages.new" "$packages"
    fi
    if ! find_node; then
        echo "SAP CAP needs Node.js 22.13 or later, and npm has none for this machine: install it" >&2
        exit 1
    fi
    if [ ! -e "$template" ]; then
        "$node" node_modules/.bin/cds-deploy >&2
        mv crm.sqlite "$template"
    fi
) 9>"$cache/lock"

find_node
cp "$template" crm.sqlite
serve "http://127.0.0.1:$port/odata/v4/crm/" "$node" node_modules/.bin/cds-serve
