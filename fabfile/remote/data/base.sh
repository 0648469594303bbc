#!/usr/bin/env bash
# Copy a whole database cluster into a compressed file that counts only when every stage has ended well.
# Arguments: FOLDER NAME CONTAINER COMPRESSION EXPECTED RESERVE WAIT ABOUT. CONTAINER receives the log, and its
# environment says how the database is reached. EXPECTED: bytes that the file will take (0: as many as all
# databases); RESERVE: bytes to leave free; WAIT: seconds for another backup to end; ABOUT: what the manifest
# begins with. Standard output: the manifest.
# Exit codes: 74 disk, 75 another one is running, 76 no database, 70 a stage failed (said on standard error).
set -uo pipefail
folder=$1 name=$2 container=$3 compression=$4 expected=$5 reserve=$6 wait=$7 about=$8
export LC_ALL=C
umask 077
ask() { docker exec "$container" psql -X -q -A -t -v ON_ERROR_STOP=1 -d postgres -c "$1" </dev/null; }

exec 9<"$folder" || die 70 "$folder cannot be opened"
flock --wait "$wait" 9 || die 75 'another backup, check or clean-up is running'
# Of a run that died: one at a time holds the server. Others may have made such names too.
stem=wishwithme-$(cksum <<<"${folder%/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
find "${TMPDIR:-/tmp}" -maxdepth 1 -uid "$(id -u)" -name "$stem-base.*" -exec rm -rf {} +
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-base.XXXXXXXX") || die 74 'no temporary folder can be made'
part=$folder/$name.part
done=''
finish() {
  [ -n "$done" ] || rm -f "$part" "$folder/$name.json.part"
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM PIPE
rm -f "$folder"/*.part # of a run that died
[ ! -e "$folder/$name" ] || die 70 "$name is there already"
[ "$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ] ||
  die 76 "container $container, which receives the log, is not running"
holds=$(ask 'SELECT sum(pg_database_size(oid))::bigint FROM pg_database' 2>"$scratch/err") ||
  die 76 "$(cause "$scratch/err")"
[ "$expected" -gt 0 ] || expected=$holds
free=$(df -B1 --output=avail "$folder" | tail -n 1)
[ "$free" -ge $((expected + reserve)) ] ||
  die 74 "$((free >> 20)) MiB are free in $folder, the base may take $((expected >> 20)) MiB and must leave $((reserve >> 20)) MiB"
[ "$(ask "SELECT active FROM pg_replication_slots WHERE slot_name = 'continuous'")" = t ] ||
  die 70 "$container does not receive the log: docker logs $container"

segment=$(ask 'SELECT pg_walfile_name(redo_lsn) FROM pg_control_checkpoint()') || die 70 'no checkpoint is known'
case $compression in
  gzip) pack=(gzip -c) ;;
  # Level 2: a quarter less CPU than the default, 3, for a file of that size; the site runs beside it.
  *) pack=(zstd -2 -q -c) ;;
esac
docker exec "$container" pg_basebackup --pgdata=- --format=tar --wal-method=none --checkpoint=fast --no-password \
  2>"$scratch/0.err" </dev/null |
  "${pack[@]}" 2>"$scratch/1.err" |
  tee "$part" 2>"$scratch/2.err" |
  sha256sum >"$scratch/sum" 2>"$scratch/3.err"
codes=("${PIPESTATUS[@]}")
stages=(pg_basebackup "${pack[0]}" write digest)
# The last that failed is the cause: those before it only lost their reader.
for stage in 3 2 1 0; do
  [ "${codes[$stage]}" -eq 0 ] ||
    die 70 "${stages[$stage]} ended with ${codes[$stage]}: $(cause "$scratch/$stage.err")"
done
# The database's clock, which stamps what is committed.
ended=$(ask 'SELECT ceil(extract(epoch FROM clock_timestamp()))::bigint') || die 76 'the database has gone'
sync "$part" || die 70 "$part cannot be written to the disk"
read -r streamed _ <"$scratch/sum"
read -r stored _ < <(sha256sum "$part")
[ "$streamed" = "$stored" ] || die 70 'what stands on the disk is not what was written'
printf '{"about":%s,"bytes":%s,"sha256":"%s","ended":%s,"segment":"%s"}\n' "$about" "$(stat -c %s "$part")" \
  "$stored" "$ended" "$segment" >"$folder/$name.json.part" || die 70 'the manifest cannot be written'
sync "$folder/$name.json.part" || die 70 'the manifest cannot be written to the disk'
cat "$folder/$name.json.part" >"$scratch/manifest" || die 70 'the manifest cannot be read back'
mv "$part" "$folder/$name" || die 70 'the base cannot be given its name'
mv "$folder/$name.json.part" "$folder/$name.json" || die 70 'the manifest cannot be given its name'
done=yes
sync "$folder"
cat "$scratch/manifest"
