# The toolchain goes into a folder beside the sources. Python 3.10 or newer, with venv and pip.
set -e
python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
mkdir -p dist
.venv/bin/componentize-py --wit-path "$SYNC_OBJECT_WIT" --world object-plugin \
  componentize --stub-wasi --python-path src app --output dist/plugin.wasm
