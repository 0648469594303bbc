#!/usr/bin/env bash
# Bring a base backup to an instant in a throwaway PostgreSQL without a network, which is left running.
# Arguments: FOLDER FILE SHA256 IMAGE LABEL PATIENCE NEEDED USER INSTANT RECEIVER LOG. RECEIVER: container that
# receives the write-ahead log in its folder LOG; NEEDED: bytes that the throwaway takes; INSTANT: seconds since
# 1970; PATIENCE: seconds that the recovery may take. Standard output: the throwaway's name.
# Exit codes: 65 the file is not what was written, 74 disk, 70 a stage failed (said on standard error).
set -uo pipefail
folder=$1 file=$2 digest=$3 image=$4 label=$5 patience=$6 needed=$7 user=$8 instant=$9 receiver=${10} log=${11}
export LC_ALL=C
remove_all() {
  docker ps -aq --filter "label=$label" | xargs -r docker rm -f -v >/dev/null 2>&1
  docker volume ls -q --filter "label=$label" | xargs -r docker volume rm -f >/dev/null 2>&1
}
kept=''
finish() { [ -n "$kept" ] || remove_all; }
trap finish EXIT
trap 'exit 143' HUP INT TERM
remove_all # of a run that died
# The log's end tells of the last transaction that it has.
why() {
  sed -n 's/.*FATAL: *//p; s/.*last completed transaction was at log time/the last transaction is of/p' | paste -sd';'
}
pause() { read -rt 0.2 <> <(:) || :; }

storage=$(docker info --format '{{.DockerRootDir}}')
free=$(df -B1 --output=avail "$storage" | tail -n 1)
[ "$free" -ge "$needed" ] ||
  die 74 "$((free >> 20)) MiB are free in $storage, the base takes $((needed >> 20)) MiB"
read -r found _ < <(sha256sum "$folder/$file")
[ "$found" = "$digest" ] || die 65 "$file was changed since it was written: its digest is another one"
# Where the database runs, a commit of our own is later than the instant, and everything up to it has arrived.
if last=$(docker exec "$receiver" psql -X -q -A -t -d postgres \
  -c 'SELECT pg_current_xact_id(); ' -c 'SELECT pg_current_wal_flush_lsn()' 2>/dev/null </dev/null); then
  arrived="SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_receivewal' AND flush_lsn >= '${last##*$'\n'}'"
  until [ "$(docker exec "$receiver" psql -X -q -A -t -d postgres -c "$arrived" </dev/null 2>/dev/null)" = 1 ]; do
    [ "$SECONDS" -lt 60 ] || die 70 "$receiver does not receive the log"
    pause
  done
fi
volume=$(docker volume create --label "$label") || die 70 'no volume can be made'
case $file in
  *.gz) unpack=(gzip -dc) ;;
  *) unpack=(zstd -dqc) ;;
esac
# shellcheck disable=SC2016 # the container's shell is to expand it
"${unpack[@]}" <"$folder/$file" |
  docker run -i --rm --network none --label "$label" -v "$volume:/var/lib/postgresql/data" "$image" sh -c '
    tar -x -C "$PGDATA" && touch "$PGDATA/recovery.signal" && chown -R postgres:postgres "$PGDATA"' 2>&1 |
  tail -n 3 >&2 || die 70 "$file cannot be unpacked"
# The last segment is still being written. Nothing in the throwaway is worth a sync.
container=$(docker run -d --network none --label "$label" --cpu-shares 128 --shm-size 128m \
  -v "$volume:/var/lib/postgresql/data" --volumes-from "$receiver:ro" "$image" postgres \
  -c "restore_command=cp '$log/%f' '%p' 2>/dev/null || cp '$log/%f.partial' '%p' 2>/dev/null" \
  -c "recovery_target_time=$(date -u -d "@$instant" '+%F %T+00')" -c recovery_target_action=promote \
  -c fsync=off -c full_page_writes=off -c autovacuum=off -c hot_standby=on) ||
  die 70 'no throwaway PostgreSQL can be started'
until [ "$(docker exec "$container" psql -X -q -A -t -U "$user" -d postgres -c 'SELECT pg_is_in_recovery()' \
  </dev/null 2>/dev/null)" = f ]; do
  [ "$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ] ||
    die 70 "it cannot be brought to that instant: $(docker logs "$container" 2>&1 | why)"
  [ "$SECONDS" -lt "$patience" ] || die 70 "the throwaway PostgreSQL was not there within $patience s"
  pause
done
kept=yes
docker inspect --format '{{.Name}}' "$container" | tr -d /
