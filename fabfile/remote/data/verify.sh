#!/usr/bin/env bash
# Restore a backup into a throwaway PostgreSQL of the given image, without a network, and say what it holds.
# Arguments: FOLDER IMAGE LIVE LABEL PATIENCE NEEDED LOAD, then those of restore.sh with FILE below FOLDER and
# without CONTAINER; standard input and output as there. LIVE: the container whose settings of the server a restore
# needs. The throwaway's password is made up: a dump is a program.
# Exit codes: 74 disk, 75 a backup, check or clean-up is running, else those of restore.sh.
set -uo pipefail
folder=$1 image=$2 live=$3 label=$4 patience=$5 needed=$6 load=$7
shift 7
file=$1 digest=$2 user=$3
shift 3
export LC_ALL=C

exec 9<"$folder" || die 70 "$folder cannot be opened"
flock --nonblock 9 || die 75 'a backup, another check or a clean-up is running'
container=''
scratch=''
stem=wishwithme-$(cksum <<<"${folder%/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
remove_all() {
  docker ps -aq --filter "label=$label" | xargs -r docker rm -f -v >/dev/null 2>&1
  find "${TMPDIR:-/tmp}" -maxdepth 1 -uid "$(id -u)" -name "$stem-verify.*" -exec rm -rf {} +
}
trap remove_all EXIT
trap 'exit 143' HUP INT TERM
remove_all # of a run that died
# A place of its own: who takes the server's lock clears what restore.sh leaves elsewhere.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-verify.XXXXXXXX") || die 70 'no temporary folder can be made'
storage=$(docker info --format '{{.DockerRootDir}}')
free=$(df -B1 --output=avail "$storage" | tail -n 1)
[ "$free" -ge "$needed" ] ||
  die 74 "$((free >> 20)) MiB are free in $storage, restoring the backup takes $((needed >> 20)) MiB"
# Some extensions can only be made where their library came with the start; a transaction locks every table that it asks.
mapfile -t settings < <(docker exec "$live" psql -X -q -A -t -U "$user" -d postgres -c "SELECT format(E'-c\n%s=%s', name, setting)
  FROM pg_settings WHERE name IN ('shared_preload_libraries', 'max_locks_per_transaction') AND setting <> boot_val" </dev/null)
# Nothing in it is worth a sync, and it stands back behind what serves.
made_up=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
container=$(docker run -d --network none --label "$label" --cpu-shares 128 --shm-size 128m \
  --security-opt no-new-privileges --cap-drop ALL --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER \
  --cap-add SETGID --cap-add SETUID --env-file <(printf 'POSTGRES_USER=%s\nPOSTGRES_PASSWORD=%s\n' "$user" "$made_up") \
  "$image" -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c autovacuum=off \
  "${settings[@]}" </dev/null) ||
  die 70 'no throwaway PostgreSQL can be started'
pause() { read -rt 0.2 <> <(:) || :; }
until docker exec "$container" pg_isready -q -h 127.0.0.1 -U "$user" </dev/null; do
  [ "$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ] ||
    { docker logs "$container" >"$scratch/log" 2>&1; die 70 "the throwaway PostgreSQL ended: $(cause "$scratch/log")"; }
  [ "$SECONDS" -lt "$patience" ] || die 70 "the throwaway PostgreSQL did not start within $patience s"
  pause
done
TMPDIR=$scratch bash -c "$load" load "$folder/$file" "$digest" "$container" "$user" "$@"
