#!/usr/bin/env bash
# Put other files into a volume, or the former ones back. Arguments: MODE FILE SHA256 NEEDED IMAGE PATH LABEL
# PATIENCE CONTAINER...; the containers have the volume at PATH and do not run meanwhile.
# MODE put: the archive FILE takes the place of what is there, which is kept aside in the volume; when the
# containers do not run again within PATIENCE seconds, it is put back. back: what is aside is put back.
# keep: what is aside is removed. NEEDED: bytes that FILE takes unpacked.
# Exit codes: 65 FILE was changed, 74 disk, 75 a backup is running: nothing was touched; 70 the former files are
# in place (said on standard error); 71 they are not, or the containers do not run: a person is needed.
# shellcheck disable=SC2016 # what the container's shell is to expand
set -uo pipefail
mode=$1 file=$2 sha256=$3 needed=$4 image=$5 path=$6 label=$7 patience=$8
shift 8
export LC_ALL=C
inside() {
  docker run --rm -i --network none --read-only --user 0:0 --cap-drop ALL --cap-add CHOWN --cap-add DAC_OVERRIDE \
    --cap-add FOWNER --cap-add FSETID --label "$label" --volumes-from "$first" --entrypoint sh "$image" -ec "$1" refill "$path"
}
# A name may look like an option: each stands behind "./". FSETID: without it a change of the owner takes away the
# bits that set user and group.
# .restore-part: files that belong where the folder stands. .restore-before: all the former files; what stands
# beside them are others. Either way a run that dies leaves what the next one can tell apart.
files='
cd "$1"
each() {
  for entry in * .[!.]* ..?*; do
    case $entry in .restore-*) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then "$@" "./$entry"; fi
  done
}
up() { (cd "$1"; for entry in * .[!.]* ..?*; do if [ -e "$entry" ] || [ -L "$entry" ]; then mv -f "./$entry" ..; fi; done); rmdir "$1"; }
aside() { mv -f "$1" .restore-part/; }
back() {
  if [ -d .restore-before ]; then each rm -rf; mv .restore-before .restore-part; fi
  if [ -d .restore-part ]; then up .restore-part; fi
}'
put_back="$files
back; rm -rf .restore-incoming"
take_place="$files
back; mkdir .restore-part; each aside; mv .restore-part .restore-before; up .restore-incoming"
first=$1
started=$SECONDS said=''
pause() { read -rt 0.2 <> <(:) || :; }
run_again() {
  docker start "$@" >/dev/null || return
  for one; do
    while :; do
      state=$(docker inspect --format '{{.State.Running}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$one")
      case $state in 'true ' | 'true healthy') break ;; false*) echo "$one ended: $(docker logs --tail 1 "$one" 2>&1)" >&2; return 1 ;; esac
      [ $((SECONDS - started)) -lt "$patience" ] || { echo "$one is not healthy within $patience s" >&2; return 1; }
      pause
    done
  done
}
former() {
  started=$SECONDS
  { docker stop "$@" && inside "$put_back" && run_again "$@"; } >/dev/null </dev/null && return
  die 71 "${said:+${said##*$'\n'}; }the former files of $path are not in place; they stand in it as .restore-before or .restore-part"
}

case $mode in
  back)
    former "$@"
    exit 0
    ;;
  keep)
    inside 'cd "$1"; if [ -d .restore-before ]; then mv .restore-before .restore-gone; fi; rm -rf .restore-gone' </dev/null
    exit
    ;;
esac
exec 9<"$(dirname "$file")" || die 70 "$file cannot be opened"
flock --nonblock 9 || die 75 'a backup, check or clean-up is running'
read -r found _ < <(sha256sum "$file")
[ "$found" = "$sha256" ] || die 65 "$file is not what was written: its digest differs"
storage=$(docker info --format '{{.DockerRootDir}}')
for place in "$storage" "$(dirname "$file")"; do
  free=$(df -B1 --output=avail "$place" | tail -n 1)
  [ "$free" -ge "$needed" ] || die 74 "$((free >> 20)) MiB are free in $place, restoring takes $((needed >> 20)) MiB"
done
case $file in *.gz) unpack=(gzip -dc) ;; *) unpack=(zstd -q -dc) ;; esac
"${unpack[@]}" <"$file" |
  inside 'cd "$1"; rm -rf .restore-incoming .restore-gone; mkdir .restore-incoming; exec tar -x -p --numeric-owner -C .restore-incoming -f -' ||
  { inside 'rm -rf "$1/.restore-incoming"' </dev/null; die 70 "$file cannot be unpacked"; }
# shellcheck disable=SC2329 # the trap calls it
interrupted() { former "$@"; die 70 'interrupted; the former files are back'; }
trap 'interrupted "$@"' HUP INT TERM PIPE
said=$({ docker stop "$@" && inside "$take_place" && run_again "$@"; } 2>&1 >/dev/null </dev/null) && exit 0
former "$@"
die 70 "${said##*$'\n'}; the former files are back"
