#!/usr/bin/env bash
# Pack the files of a volume into a compressed archive that counts only when every stage has ended well.
# Arguments: FOLDER NAME CONTAINER IMAGE PATH LABEL COMPRESSION RESERVE STOPPED ABOUT [DUMP...].
# CONTAINER has the volume at PATH; a throwaway of IMAGE with LABEL reads it. RESERVE: bytes to leave free;
# STOPPED: yes when it may be read only while the container does not run; ABOUT: the manifest's JSON object;
# DUMP: command, run in the container, that writes a tar of files that hold still. Without one the
# files are read twice, and must be the same. Standard output: the manifest.
# Exit codes: 74 disk, 75 another one is running, 76 the container, 70 a stage failed (said on standard error).
set -uo pipefail
folder=$1 name=$2 container=$3 image=$4 path=$5 label=$6 compression=$7 reserve=$8 stopped=$9 about=${10}
shift 10
export LC_ALL=C
umask 077

exec 9<"$folder" || die 70 "$folder cannot be opened"
flock --nonblock 9 || die 75 'another backup, check or clean-up is running'
# Of a run that died: one at a time holds the server. Others may have made such names too.
stem=wishwithme-$(cksum <<<"${folder%/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
find "${TMPDIR:-/tmp}" -maxdepth 1 -uid "$(id -u)" -name "$stem-volume.*" -exec rm -rf {} +
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-volume.XXXXXXXX") || die 74 'no temporary folder can be made'
part=$folder/$name.part
done=''
finish() {
  [ -n "$done" ] || rm -f "$part" "$folder/$name.json.part"
  docker ps -aq --filter "label=$label" | xargs -r docker rm -f -v >/dev/null 2>&1
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM PIPE
rm -f "$folder"/*.part # of a run that died
[ ! -e "$folder/$name" ] || die 70 "$name is there already"

running=$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null) ||
  die 76 "container $container is not there"
[ "$stopped $running" != 'yes true' ] ||
  die 76 "container $container is running, and its files are whole only when it is not: docker stop $container"
[ $# -eq 0 ] || [ "$running" = true ] || die 76 "container $container is not running"
inside() {
  docker run --rm --network none --read-only --user 0:0 --cap-drop ALL --cap-add DAC_OVERRIDE --label "$label" \
    --volumes-from "$container:ro" --entrypoint "$1" "$image" "${@:2}" </dev/null
}
stream() {
  if [ $# -gt 0 ]; then
    docker exec "$container" "$@" </dev/null
  else
    inside tar -c --exclude './.restore-*' -C "$path" .
  fi
}
case $compression in
  gzip) pack=(gzip -c) unpack=(gzip -dc) ;;
  *) pack=(zstd -q -c) unpack=(zstd -q -dc) ;;
esac
digest() { sha256sum | cut -d ' ' -f 1; }

kilobytes=$(inside du -sk "$path" 2>"$scratch/err") || die 70 "$path cannot be read: $(cause "$scratch/err")"
holds=$((${kilobytes%%[!0-9]*} * 1024))
free=$(df -B1 --output=avail "$folder" | tail -n 1)
[ "$free" -ge $((holds + reserve)) ] ||
  die 74 "$((free >> 20)) MiB are free in $folder, the backup may take $((holds >> 20)) MiB and must leave $((reserve >> 20)) MiB"

mkfifo "$scratch/copy" || die 70 'no pipe can be made'
for try in 1 2 3; do
  digest <"$scratch/copy" >"$scratch/streamed" &
  copy=$!
  stream "$@" 2>"$scratch/0.err" | tee "$scratch/copy" 2>"$scratch/1.err" | "${pack[@]}" 2>"$scratch/2.err" >"$part"
  codes=("${PIPESTATUS[@]}")
  wait "$copy"
  stages=(tar copy "${pack[0]}")
  for stage in 2 1 0; do
    [ "${codes[$stage]}" -eq 0 ] ||
      die 70 "${stages[$stage]} ended with ${codes[$stage]}: $(cause "$scratch/$stage.err")"
  done
  read -r streamed <"$scratch/streamed"
  [ $# -eq 0 ] || break
  [ "$(stream | digest)" != "$streamed" ] || break
  [ "$try" -lt 3 ] || die 70 "the files in $path change while they are read"
done

sync "$part" || die 70 "$part cannot be written to the disk"
[ "$("${unpack[@]}" <"$part" | digest)" = "$streamed" ] || die 70 'what stands on the disk is not what was read'
"${unpack[@]}" <"$part" | tar -t >"$scratch/list" 2>"$scratch/err" ||
  die 70 "the archive cannot be read: $(cause "$scratch/err")"
# Two empty blocks are its end; tar does not ask for them.
unpacked=$("${unpack[@]}" <"$part" | wc -c)
[ "$("${unpack[@]}" <"$part" | tail -c 1024 | tr -d '\0' | wc -c)" -eq 0 ] ||
  die 70 'the archive has no end'
read -r stored _ < <(sha256sum "$part")
printf '{"about":%s,"bytes":%s,"sha256":"%s","unpacked":%s,"files":%s}\n' "$about" "$(stat -c %s "$part")" \
  "$stored" "$unpacked" "$(grep -vc '/$' "$scratch/list")" >"$folder/$name.json.part" ||
  die 70 'the manifest cannot be written'
sync "$folder/$name.json.part" || die 70 'the manifest cannot be written to the disk'
mv "$part" "$folder/$name" || die 70 'the backup cannot be given its name'
mv "$folder/$name.json.part" "$folder/$name.json" || die 70 'the manifest cannot be given its name'
done=yes
sync "$folder"
cat "$folder/$name.json"
