#!/usr/bin/env bash
# What runs on a server, for one line of many: as little as that needs, in one round trip and without changing anything.
# Arguments: CHECKOUT ROOT MARK. Sections as in look.sh. Of many servers each program counts: but for the engine's, one is
# started only where bash itself cannot tell.
set -u
checkout=$1 root=$2 mark=$3
export LC_ALL=C GIT_OPTIONAL_LOCKS=0
section() { printf '\n%s %s\n' "$mark" "$1"; }
# text: a file, without its NULs.
text() { text=''; [ ! -f "$1" ] || IFS= read -rd '' text <"$1"; }
section head
text "$checkout/.git/HEAD"
case $text in
  ref:*) git -C "$checkout" rev-parse -q --verify HEAD 2>/dev/null ;;
  *) printf '%s' "$text" ;;
esac
section holder
# The file stays when its holder has gone: the kernel's own list tells whether the lock is held.
if [ -s "$root/locks/holder" ] && inode=$(stat -c %i "$root/locks") && grep -q "FLOCK .*:$inode " /proc/locks; then
  text "$root/locks/holder"
  printf '%s' "$text"
fi
section frozen
text "$root/locks/frozen"
printf '%s' "$text"
section maintenance
text "$root/locks/maintenance"
printf '%s' "$text"
section releases
# The last one, and the last one that passed.
records=("$root"/releases/*/release.json)
for ((at = ${#records[@]} - 1; at >= 0; at--)); do
  text "${records[at]}"
  [[ $text =~ \"outcome\":\"(verified|accepted|started)\" ]] && passed=yes || passed=''
  if [ -n "$text" ] && { [ -n "$passed" ] || [ "$at" = $((${#records[@]} - 1)) ]; }; then
    name=${records[at]%/release.json}
    printf '%s\0%s\0' "${name##*/}" "$text"
  fi
  [ -z "$passed" ] || break
done
section containers
docker ps -a --format \
  '[{{json .State}},{{json .Status}},{{json (.Label "com.docker.compose.service")}},{{json (.Label "com.docker.compose.oneoff")}}]' 2>/dev/null ||
  printf 'error\n'
section end
