#!/bin/sh
# As in the official image: root takes over the data directory and becomes postgres; an empty directory
# becomes a cluster with POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB, and runs /docker-entrypoint-initdb.d.
set -eu

from_file() {
    eval "file=\${$1_FILE:-}"
    # shellcheck disable=SC2154 # set by the line above
    if [ -n "$file" ]; then export "$1=$(cat "$file")"; fi
}

make_cluster() {
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    passwords=$(mktemp)
    printf '%s\n' "${POSTGRES_PASSWORD:-}" >"$passwords"
    # shellcheck disable=SC2086 # the arguments are words
    initdb --username="$POSTGRES_USER" ${POSTGRES_PASSWORD:+--pwfile="$passwords"} ${POSTGRES_INITDB_ARGS:-}
    rm -f "$passwords"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
}

fill_cluster() {
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    if [ "$POSTGRES_DB" != postgres ]; then
        psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres \
            --set db="$POSTGRES_DB" <<'SQL'
CREATE DATABASE :"db";
SQL
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) sh "$file" ;;
            *.sql) psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" -f "$file" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
}

case ${1:-} in
    -*) set -- postgres "$@" ;;
esac
if [ "$1" = postgres ]; then
    if [ "$(id -u)" -eq 0 ]; then
        mkdir -p "$PGDATA"
        chmod 0700 "$PGDATA" || true
        find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
        exec setpriv --reuid=postgres --regid=postgres --clear-groups -- "$0" "$@"
    fi
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER
    from_file POSTGRES_DB
    : "${POSTGRES_USER:=postgres}"
    : "${POSTGRES_DB:=$POSTGRES_USER}"
    export POSTGRES_USER POSTGRES_DB
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        make_cluster
        fill_cluster
    fi
fi
exec "$@"
