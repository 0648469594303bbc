#!/bin/sh
# As in the official image: the scripts of /docker-entrypoint.d first, then the command.
set -eu
for script in /docker-entrypoint.d/*.sh; do
    if [ -x "$script" ]; then "$script"; fi
done
exec "$@"
