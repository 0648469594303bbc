#!/bin/sh
# Receives the database's write-ahead log into /wal, segment by segment and without a gap: a slot keeps on the
# database's side what has not arrived here. Runs in the database's own image (PGHOST, PGUSER, PGPASSWORD, and
# FORMER_PASSWORD, which is tried where the first is refused).
# It ends with the connection, and is started again then.
set -eu
if [ "$(id -u)" -eq 0 ]; then
    chown postgres:postgres /wal
    exec su -s /bin/sh -c 'exec sh /etc/wishwithme/wal/receive.sh' postgres
fi
umask 077
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d postgres "$@"; }
ask -c 'SELECT' >/dev/null || export PGPASSWORD="$FORMER_PASSWORD"

# The image's own rules let nobody replicate from another container. COPY runs in the data directory.
ask <<'SQL' >/dev/null
SELECT 'COPY (SELECT ''host replication all samenet scram-sha-256'') TO PROGRAM ''cat >>pg_hba.conf'''
WHERE NOT EXISTS (SELECT FROM pg_hba_file_rules WHERE 'replication' = ANY (database) AND address = 'samenet')
\gexec
-- A receiver that is away for longer costs the log its continuity, never the database its disk.
ALTER SYSTEM SET max_slot_wal_keep_size = '4GB';
SELECT pg_reload_conf();
SQL

# What the database could not keep for us is a gap: what came before it is put aside, and a new base is needed.
if [ "$(ask -c "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'continuous'")" = lost ]; then
    ask -c "SELECT pg_drop_replication_slot('continuous')" >/dev/null
    before=/wal/before-$(date -u +%Y%m%dT%H%M%SZ)
    mkdir "$before"
    find /wal -maxdepth 1 -type f -exec mv {} "$before" \;
    echo "the log has a gap: what came before it is in $before; take a new base: fab db.base" >&2
fi
pg_receivewal --slot=continuous --create-slot --if-not-exists
exec pg_receivewal --directory=/wal --slot=continuous --no-loop --synchronous
