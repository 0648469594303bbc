#!/bin/sh
# As in the official image: options mean redis-server, and root becomes redis after taking over /data.
set -eu
case ${1:-} in
    -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
    if [ "$(id -u)" -eq 0 ]; then
        find . \! -user redis -exec chown redis '{}' +
        exec setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
    fi
    # Debian's build protects itself from other hosts; the official image's does not.
    set -- "$@" --protected-mode no
fi
exec "$@"
