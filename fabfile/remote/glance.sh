#!/usr/bin/env bash
# What runs on a server, for one line of many: as little as that needs, in one round trip and without changing anything.
# Arguments: CHECKOUT ROOT MARK DEADLINE (seconds that the engine may take). Sections as in look.sh.
set -u
checkout=$1 root=$2 mark=$3 deadline=$4
export LC_ALL=C GIT_OPTIONAL_LOCKS=0
section() { printf '\n%s %s\n' "$mark" "$1"; }
entry() {
  printf '%s\0' "$1"
  tr -d '\0' 2>/dev/null <"$2"
  printf '\0'
}
held() { inode=$(stat -c %i "$1" 2>/dev/null) && grep -q "FLOCK .*:$inode " /proc/locks; }

section containers
timeout -k 5 "$deadline" docker ps -a --format \
  '[{{json .State}},{{json .Status}},{{json (.Label "com.docker.compose.service")}},{{json (.Label "com.docker.compose.oneoff")}}]' 2>/dev/null ||
  printf 'error\n'
section head
[ ! -d "$checkout/.git" ] || git -C "$checkout" rev-parse -q --verify HEAD 2>/dev/null
section holder
held "$root/locks" && cat "$root/locks/holder" 2>/dev/null
section frozen
cat "$root/locks/frozen" 2>/dev/null
section releases
records=("$root"/releases/*/release.json)
{
  printf '%s\n' "${records[@]: -1}"
  grep -lE '"outcome":"(verified|accepted|started)"' "${records[@]}" 2>/dev/null | tail -n 1
} | sort -u | while IFS= read -r file; do
  name=${file%/release.json}
  [ ! -f "$file" ] || entry "${name##*/}" "$file"
done
section end
