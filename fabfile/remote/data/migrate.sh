#!/usr/bin/env bash
# Moves a schema in a container of its own. When its time is over the container goes by name, since it outlives the
# client that started it; and so do its sessions in the database, since a statement outlives the one who sent it.
# Arguments: container's name, seconds, container and user of PostgreSQL (or two empty words), words that start it.
set -u
name=$1 seconds=$2 postgres=$3 user=$4
shift 4

finish() {
  local address
  for address in $(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$name" 2>/dev/null); do
    docker rm --force "$name" >/dev/null 2>&1
    [ -z "$postgres" ] || docker exec "$postgres" psql -X -q -U "$user" -d postgres -o /dev/null -c \
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE client_addr = '$address'"
  done
  docker rm --force "$name" >/dev/null 2>&1
}
trap 'exit 143' TERM INT HUP
# What a run left behind whose operator died holds locks that this one would wait for.
finish
trap finish EXIT

timeout --signal=KILL "$seconds" "$@" </dev/null &
wait "$!"
code=$?
[ "$SECONDS" -lt "$seconds" ] || code=124
exit "$code"
