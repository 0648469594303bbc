# shellcheck shell=bash disable=SC2034,SC2154 # follows proxy.sh, healthy.sh and meanwhile.sh
# Start new replicas beside those that serve. When one does not become healthy, the new ones are removed and nothing has
# changed.
# Arguments after those of proxy.sh: PROJECT PATIENCE STACK COUNTS PLANS COMPOSE…
# STACK: the stack's file; COUNTS: lines "SERVICE KEY TOTAL" of those that have more than it says (as meanwhile.sh has it).
# PLANS: lines "SERVICE TOTAL PARALLELISM STABLE NEW OLD NAME": how many containers it has meanwhile; how many start at
# once (0: all); the name of its image in the compose file, the image that the new ones get, and the one that the name means
# until requests are switched (-: the new one); its container's name where the compose file says one (-: it does not).
# PATIENCE: seconds until each must be healthy; COMPOSE…: docker compose on the stack.
# Standard input: lines "SERVICE ARCHIVE": what each of its new containers is given before it starts, a tar in base64.
# Prints a line "SERVICE ID ADDRESS" for each new container.
project=$1 patience=$2 stack=$3 counts=$4 plans=$5
shift 5
declare -A copies=()
while read -r service archive; do copies[$service]=$archive; done
services=() scales=() former=' ' names=()
while read -r service total _ _ _ _ name; do
  services+=("$service") scales+=(--scale "$service=$total")
  if [ "$name" != - ]; then
    names+=("$service $name")
  else
    for ((number = 1; number <= total; number++)); do names+=("$service $project-$service-$number"); done
  fi
  former+="$(containers "$service" | tr '\n' ' ')"
done <<<"$plans"
# rename FROM TO: a container of another service that has the name of one that is to come, and FROM behind it, has TO behind
# it from now on: nobody but people notices.
rename() {
  local service name holder
  for name in "${names[@]}"; do
    read -r service name <<<"$name"
    holder=$(docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "name=^/$name$1\$")
    [ -z "$holder" ] || [ "$(of "$holder" '{{index .Config.Labels "com.docker.compose.service"}}')" = "$service" ] ||
      docker rename "$holder" "$name$2" || return 1
  done
}
new() {
  local id
  for id in $(containers "$1"); do [[ $former == *" $id "* ]] || printf '%s\n' "$id"; done
}
# tag FIELD: let the names in the compose file mean the new images (4), or those of before (5).
tag() {
  local fields
  while read -ra fields; do
    [ "${fields[$1]}" = - ] || [ "${fields[$1]}" = "${fields[3]}" ] ||
      docker tag "${fields[$1]}" "${fields[3]}" || return 1
  done <<<"$plans"
}
# begin SERVICE PARALLELISM: start its new containers, so many at once, and wait for each.
begin() {
  local at=0 id ids
  readarray -t ids < <(new "$1")
  for id in "${ids[@]}"; do
    # Compose copies these into a container that it starts itself.
    [ -z "${copies[$1]-}" ] || printf '%s' "${copies[$1]}" | base64 -d | docker cp - "$id:/" || return 1
  done
  while [ $at -lt ${#ids[@]} ]; do
    local group=("${ids[@]:at:$2 > 0 ? $2 : ${#ids[@]}}")
    docker start "${group[@]}" >/dev/null || return 1
    for id in "${group[@]}"; do
      comes "$id" || { docker logs --tail 15 "$id" >&2; return 1; }
    done
    at=$((at + ${#group[@]}))
  done
}
undo() {
  local service
  plain "$stack"
  for service in "${services[@]}"; do
    new "$service" | xargs -r docker rm -f >/dev/null 2>&1
  done
  rename -former ''
}
# Made while the names mean the new images, and started once they mean again what serves: a plain compose up by hand would
# otherwise replace that.
[ -z "$counts" ] || enough "$stack" "$counts" || die 70 "$stack cannot be written"
rename '' -former || { undo; die 70 'a container cannot be renamed'; }
tag 4 || { tag 5; undo; die 70 'an image cannot be named'; }
make() { "$@" up --no-start --no-build --no-recreate "${scales[@]}" "${services[@]}" </dev/null >&2; }
# Where the service is another file's (include), compose takes no second word about it.
make "$@" 2>"$scratch/made" || {
  if [ -n "$counts" ] && plain "$stack"; then make "$@"; else cat "$scratch/made" >&2; false; fi
}
made=$?
tag 5
[ $made = 0 ] || { undo; die 71 'no new replica could be made'; }
# A worker from before the hold still asks whoever has the name.
[ -z "$proxy" ] || [ -z "$pins" ] || { loaded_before; leave; }
begun=()
while read -r service _ parallelism _; do
  begin "$service" "$parallelism" </dev/null 2>"$scratch/$service" &
  begun+=("$service:$!")
done <<<"$plans"
# Somebody's compose may take away who serves meanwhile: then whoever has the name is asked, and this ends.
turn=0
while [ -n "$pins" ] && [ -n "$(jobs -pr)" ]; do
  # Once a second: each look costs the engine time that the new ones need.
  [ $((turn++ % 10)) -ne 0 ] || serve "$pins" || {
    for one in "${begun[@]}"; do kill "${one##*:}" 2>/dev/null; done
    pins=''
    load rest
    die 70 'a replica that served is gone: did somebody run compose? The proxy names the services again'
  }
  pause
done
sick=''
for one in "${begun[@]}"; do
  wait "${one##*:}" || { sick=${one%:*}; cat "$scratch/$sick" >&2; }
done
[ -z "$sick" ] || { undo; die 71 "a new replica of $sick did not become healthy"; }
for service in "${services[@]}"; do
  for id in $(new "$service"); do printf '%s %s %s\n' "$service" "$id" "$(address_of "$id")"; done
done
