# shellcheck shell=bash
# Run a job of the application's own in a container that is removed afterwards.
# Arguments: LOCK CONTAINER DEADLINE COMMAND..., which makes the container and waits for its end.
# Exit codes: 75 it runs already; 124 its deadline ended it; else that of the command.
lock=$1 container=$2 deadline=$3
shift 3
exec 9>>"$lock" || exit 70
flock --nonblock 9 || exit 75
gone() { docker rm --force "$container" >/dev/null 2>&1; }
# One that an earlier run left when the power went, or its client died.
gone
timeout --kill-after=5 "$deadline" "$@" </dev/null 9>&-
code=$?
[ "$code" -ne 124 ] || docker stop -t 10 "$container" >/dev/null 2>&1
gone
exit "$code"
