#!/bin/sh
# Locks the tool's own environments with hashes. Run it after editing a .in file; `--upgrade` takes newer releases.
set -eu
cd "$(dirname "$0")"
uv=${UV:-$(command -v uv || echo ../.venv/bin/uv)}
for name in installer tool test; do
    case $name in installer) limit="" ;; tool) limit="-c installer.lock" ;; test) limit="-c tool.lock" ;; esac
    # shellcheck disable=SC2086
    "$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
        --custom-compile-command requirements/lock.sh $limit "$@" -o "$name.lock" "$name.in"
done
