#!/bin/sh
# Starts $BROWSER with the given arguments as a user of its own.
#
# Chromium's sandbox needs privileges that a container does not hand out (user namespaces or a setuid
# helper), so it runs with --no-sandbox. What breaks out of a page here is therefore neither root nor the
# user of the service: it cannot read the service's environment, where the secrets are.
set -eu

[ "$(id -u)" -eq 0 ] || exec "$BROWSER" "$@"

user=10001
for argument; do
    case $argument in
        # The profile's folder was made for root alone.
        --user-data-dir=*) chown "$user:$user" "${argument#*=}" ;;
    esac
done
exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs "$BROWSER" "$@"
