#!/usr/bin/env bash
# The logs of a project's containers. Arguments: PROJECT SERVICE TAIL SINCE UNTIL FOLLOW
# SERVICE: a service, or the name of a container of it; empty: all. TAIL: lines of each container, or "all". SINCE, UNTIL:
# as docker logs takes them; empty: none. FOLLOW: not empty: go on with new lines, also of containers that start later.
# Prints "+ NOW", then "= ID NAME" for each container, and "ID TIME TEXT" for each of its lines.
set -u
project=$1 service=$2 tail=$3 since=$4 until=$5 follow=$6
export LC_ALL=C
label="label=com.docker.compose.project=$project"
words=(--timestamps)
date -u '++ %Y-%m-%dT%H:%M:%S.%NZ'
[ -z "$until" ] || words+=(--until "$until")
# listed [WORDS]: "ID NAME STARTED" of the containers that are meant, those that have ended too.
listed() {
  local id name of started
  docker ps -aq "$@" --filter "$label" --filter label=com.docker.compose.oneoff=False |
    xargs -r docker inspect --format \
      '{{.Id}} {{.Name}} {{index .Config.Labels "com.docker.compose.service"}} {{.State.StartedAt}}' 2>/dev/null |
    while read -r id name of started; do
      name=${name#/}
      [ -z "$service" ] || [ "$of" = "$service" ] || [ "${name#"$project"-}" = "$service" ] || continue
      printf '%s %s %s\n' "${id:0:12}" "$name" "$started"
    done
}
# said ID WORDS…: what a container wrote. A line that a full disk has cut ends that: then the last thousand, from behind.
said() {
  docker logs "${words[@]}" "${@:2}" "$1" || docker logs "${words[@]}" "${@:2}" --tail 1000 "$1"
}
# A log may end without a newline: the next one's first line does not stand behind its last.
if [ -z "$follow" ]; then
  [ -z "$since" ] || words+=(--since "$since")
  open=()
  while read -r id name _; do
    printf '= %s %s\n' "$id" "$name"
    exec {descriptor}< <(said "$id" --tail "$tail" 2>&1 </dev/null | sed "s/^/$id /;\$a\\")
    open+=("$descriptor")
  done < <(listed)
  for descriptor in "${open[@]}"; do cat <&"$descriptor"; done
  exit 0
fi
declare -A begun=()
# begin ID NAME STARTED SINCE: each line is written at once and, so that no two mix, in one piece: what is longer than a
# pipe takes so (4096 bytes) is cut.
begin() {
  begun[$1]=$3
  printf '= %s %s\n' "$1" "$2"
  said "$1" --follow --since "$4" 2>&1 </dev/null |
    sed -uE "s/^(.{4000}).+/\\1 .../;s/^/$1 /" &
}
{
  # From before the list on: a container that starts meanwhile is in one of them. Where it is in both it has begun.
  exec {events}< <(exec docker events --since "$(date +%s)" --filter type=container --filter event=start \
    --filter event=rename --filter "$label" --format '{{.Action}} {{.Actor.ID}} {{.Time}}' </dev/null)
  while read -r id name started; do begin "$id" "$name" "$started" "$since"; done < <(listed)
  while read -r action id time; do
    read -r id name started < <(listed --filter "id=$id") || continue
    if [ "$action" = rename ]; then
      printf '= %s %s\n' "$id" "$name"
    elif [ "${begun[$id]-}" != "$started" ]; then
      begin "$id" "$name" "$started" "$((time - 2))"
    fi
  done <&"$events"
  jobs -p | xargs -r kill 2>/dev/null
} | cat
echo 'the engine tells no more of what it does' >&2
exit 75
