# shellcheck shell=sh
# The console of a container: that of its database, of its Redis, of Python, or a shell. It runs inside, so a password
# comes from the container's own environment and stands in no command line. Nothing that is typed is kept in a file.
# Arguments: psql and the keys of the environment that hold user, database and password; or nothing.
export PSQL_HISTORY=/dev/null REDISCLI_HISTFILE=/dev/null PYTHON_HISTORY=/dev/null HISTFILE=/dev/null
if [ "${1-}" = psql ]; then
  [ -n "${PGPASSWORD-}" ] || [ -z "$4" ] || PGPASSWORD=$(printenv "$4")
  export PGPASSWORD
  exec psql -U "$(printenv "$2")" -d "$(printenv "$3")"
fi
has() { command -v "$1" >/dev/null 2>&1; }
if has redis-server && has redis-cli; then
  [ -n "${REDISCLI_AUTH-}" ] || [ -z "${REDIS_PASSWORD-}" ] || export REDISCLI_AUTH="$REDIS_PASSWORD"
  exec redis-cli
fi
for program in python3 python; do
  if has "$program"; then exec "$program"; fi
done
exec sh
