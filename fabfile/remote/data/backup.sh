#!/usr/bin/env bash
# Dump a database into a compressed file that counts only when every stage has ended well.
# Arguments: FOLDER NAME CONTAINER USER DATABASE COMPRESSION EXPECTED RESERVE WAIT ABOUT QUESTIONS RIGHTS.
# EXPECTED: bytes that the file will take (0: as many as the database); RESERVE: bytes to leave free;
# WAIT: seconds for another backup to end; ABOUT: the manifest's JSON object;
# QUESTIONS: SQL that asks what the database holds, one JSON object a line; RIGHTS: a query likewise for what only a
# superuser can bring back. Standard output: the manifest.
# Exit codes: 74 disk, 75 another one is running, 76 no database, 70 a stage failed (said on standard error).
set -uo pipefail
folder=$1 name=$2 container=$3 user=$4 database=$5 compression=$6 expected=$7 reserve=$8 wait=$9
about=${10} questions=${11} rights=${12}
export LC_ALL=C
umask 077

exec 9<"$folder" || die 70 "$folder cannot be opened"
flock --wait "$wait" 9 || die 75 'another backup, check or clean-up is running'
# Of a run that died: one at a time holds the server. Others may have made such names too.
stem=wishwithme-$(cksum <<<"${folder%/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
find "${TMPDIR:-/tmp}" -maxdepth 1 -uid "$(id -u)" -name "$stem-backup.*" -exec rm -rf {} +
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-backup.XXXXXXXX") || die 74 'no temporary folder can be made'
part=$folder/$name.part
application=backup-$name
done=''
finish() {
  [ -n "$done" ] || {
    rm -f "$folder/$name.part" "$folder/$name.json.part"
    # What was cut off must not go on inside the container.
    docker exec "$container" psql -X -q -A -t -U "$user" -d "$database" \
      -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$application'" \
      >/dev/null 2>&1 </dev/null
  }
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM PIPE
rm -f "$folder"/*.part # of a run that died
[ ! -e "$folder/$name" ] || die 70 "$name is there already"

[ "$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ] ||
  die 76 "container $container is not running"
run() { docker exec -i -e "PGAPPNAME=$application" "$container" "$@"; }
ask() { run psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$user" -d "$database" -c "$1" </dev/null; }

holds=$(ask 'SELECT pg_database_size(current_database())' 2>"$scratch/err") ||
  die 76 "$(cause "$scratch/err")"
[ "$expected" -gt 0 ] || expected=$holds
free=$(df -B1 --output=avail "$folder" | tail -n 1)
[ "$free" -ge $((expected + reserve)) ] ||
  die 74 "$((free >> 20)) MiB are free in $folder, the backup may take $((expected >> 20)) MiB and must leave $((reserve >> 20)) MiB"

# One snapshot for the dump and for the questions: what is counted is exactly what is dumped.
start=$EPOCHREALTIME
mkfifo "$scratch/asked" "$scratch/answered"
run psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$user" -d "$database" \
  <"$scratch/asked" >"$scratch/answered" 2>"$scratch/session.err" &
session=$!
exec 8>"$scratch/asked" 7<"$scratch/answered"
# In a shell of its own: a session that has ended must not end this script without a word.
(printf 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT pg_export_snapshot();\n' >&8)
IFS= read -r -t 60 snapshot <&7 || die 70 "no snapshot: $(cause "$scratch/session.err")"
case $compression in
  gzip) pack=(gzip -c) unpack=(gzip -dc) ;;
  # Level 2: a quarter less CPU than the default, 3, for a file of that size; the site runs beside it.
  *) pack=(zstd -2 -q -c) unpack=(zstd -dqc) ;;
esac
# The questions are answered while the dump runs; the transaction stays open until both have ended.
printf '%s\n%s;\n' "$questions" "$rights" >&8 &
asking=$!
cat <&7 >"$scratch/facts" 8>&- &
answers=$!
docker exec -e "PGAPPNAME=$application" "$container" pg_dump -Fc -Z0 --snapshot="$snapshot" \
  --lock-wait-timeout=60s --no-password -U "$user" -d "$database" 2>"$scratch/0.err" </dev/null |
  "${pack[@]}" 2>"$scratch/1.err" |
  tee "$part" 2>"$scratch/2.err" |
  sha256sum >"$scratch/sum" 2>"$scratch/3.err"
codes=("${PIPESTATUS[@]}")
dumped=$EPOCHREALTIME
stages=(pg_dump "${pack[0]}" write digest)
# The first that tells more than "my reader is gone" is the cause.
for pass in cause any; do
  for stage in 3 2 1 0; do
    [ "${codes[$stage]}" -eq 0 ] && continue
    [ $pass = cause ] && [ "${codes[$stage]}" -eq 141 ] && continue
    die 70 "${stages[$stage]} ended with ${codes[$stage]}: $(cause "$scratch/$stage.err")"
  done
done
wait "$asking"
(printf 'COMMIT;\n' >&8)
exec 8>&- 7<&-
wait "$session" || die 70 "the questions were not answered: $(cause "$scratch/session.err")"
wait "$answers"

sync "$part" || die 70 "$part cannot be written to the disk"
read -r streamed _ <"$scratch/sum"
read -r stored _ < <(sha256sum "$part")
[ "$streamed" = "$stored" ] || die 70 'what stands on the disk is not what was written'
"${unpack[@]}" <"$part" 2>"$scratch/err" | tail -c 5 >"$scratch/end" ||
  die 70 "what stands on the disk cannot be unpacked: $(cause "$scratch/err")"
# The rows of each table end with an empty block, of which five bytes are left; a database without tables has none.
! grep -q '^{"table"' "$scratch/facts" || [ "$(od -An -tx1 "$scratch/end")" = ' 00 00 00 00 00' ] ||
  die 70 'the dump has no end: its last block is missing'
answers() { grep '^{' "$scratch/facts" | grep "$@"; }
micro() { printf '%s' "${1/[.,]/}"; }
milliseconds=$((($(micro "$dumped") - $(micro "$start")) / 1000))
read -r answered _ < <(answers -v '^{"\(version\|right\)"' | sort | sha256sum)
printf '{"about":%s,"bytes":%s,"sha256":"%s","milliseconds":%s,"answered":"%s","content":[%s],"rights":[%s]}\n' \
  "$about" "$(stat -c %s "$part")" "$stored" "$milliseconds" "$answered" "$(answers -v '^{"right"' | paste -sd,)" \
  "$(answers '^{"right"' | paste -sd,)" >"$folder/$name.json.part" || die 70 'the manifest cannot be written'
sync "$folder/$name.json.part" || die 70 'the manifest cannot be written to the disk'
cat "$folder/$name.json.part" >"$scratch/manifest" || die 70 'the manifest cannot be read back'
mv "$part" "$folder/$name" || die 70 'the backup cannot be given its name'
mv "$folder/$name.json.part" "$folder/$name.json" || die 70 'the manifest cannot be given its name'
done=yes
sync "$folder"
cat "$scratch/manifest"
