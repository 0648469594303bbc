# shellcheck shell=bash disable=SC2154 # others follow it, which follow proxy.sh; project: as they are given it
# composing: whether somebody's compose is at work here. What it decided before a switch it may do much later.
composing() {
  local file words
  for file in /proc/[0-9]*/cmdline; do
    words=()
    readarray -td '' words 2>/dev/null <"$file"
    [[ "${words[*]} " =~ ^[^\ ]*docker(-compose)?\ .*\ up\  ]] && return 0
  done
  return 1
}
# alone: wait until it has ended, a minute at most.
alone() {
  local end=$((SECONDS + 60))
  while composing && [ $SECONDS -lt $end ]; do pause; done
}
# containers SERVICE: all that compose has made of it.
containers() {
  docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}
