# shellcheck shell=bash disable=SC2034,SC2154 # follows proxy.sh, healthy.sh, composing.sh and meanwhile.sh
# Stop and remove the replicas that nobody asks any more, and let the proxy name the services again.
# Arguments after those of proxy.sh: PROJECT STACK KILLED LEAVING NAMES
# PROJECT: compose's; STACK: the stack's file, which says again how many there are;
# KILLED: said where one did not end by itself; LEAVING: lines "ID PORT SECONDS": how long what it has begun may take to
# end before it is told to stop; NAMES: lines "NAME SERVICE ID…": those that stay get these names, # being 1 and so on,
# which is for people only.
project=$1 stack=$2 killed=$3 leavers=$4 names=$5
removing=''
# stayed [WORDS]: end with these words where one of those that stay is gone. The proxy then asks whoever has the service's
# name, where nobody would answer: none of a service's runs, or the proxy does not start while it names one that is gone.
stayed() {
  local id stay some gone='' nobody=''
  while read -r _ _ stay; do
    some=''
    for id in $stay; do
      if [ "$(of "$id" '{{.State.Running}}')" = true ]; then some=yes; else gone=yes; fi
    done
    [ -z "$stay" ] || [ -n "$some" ] || nobody=yes
  done <<<"$names"
  [ -n "$gone" ] || return 0
  if [ -n "$proxy" ] && { [ -n "$nobody" ] || starts; }; then
    pins=''
    load rest
  fi
  die 70 "a new replica is gone: did somebody run compose?${1-}"
}
# removed ID…: remove them; one that somebody has taken away meanwhile is removed.
removed() {
  local id
  docker rm "$@" >/dev/null || for id; do [ -z "$(of "$id" '{{.Id}}')" ] || return 1; done
}
alone
stayed ' Nothing was removed'
while read -r _ service stay; do
  # Whom somebody's compose has made anew meanwhile, nobody has asked yet.
  [ -z "$service" ] || for id in $(containers "$service"); do
    [[ " $stay ${leavers//$'\n'/ } " == *" $id "* ]] || leavers+="${leavers:+$'\n'}$id 0 0"
  done
done <<<"$names"
if [ -n "$leavers" ]; then
  [ -z "$proxy" ] || { loaded_before; leave; }
  ids=()
  while read -r id port seconds; do
    # Somebody's compose may have taken it away, which costs nothing now: nobody asks it.
    [ -n "$(of "$id" '{{.Id}}')" ] || continue
    ids+=("$id")
    [ "$seconds" = 0 ] || drained "$id" "$port" "$seconds" &
  done <<<"$leavers"
  wait
  if [ ${#ids[@]} -gt 0 ]; then
    # Those that somebody takes away only now need neither.
    docker stop "${ids[@]}" >/dev/null || for id in "${ids[@]}"; do
      [ "$(of "$id" '{{.State.Running}}')" != true ] || die 70 'a former replica does not stop'
    done
    for id in "${ids[@]}"; do [ "$(of "$id" '{{.State.ExitCode}}')" != 137 ] || printf '%s\n' "$killed"; done
    # The engine has forgotten their names: the proxy need not wait until they are removed.
    removed "${ids[@]}" &
    removing=$!
  fi
  stayed
fi
plain "$stack" || die 70 "$stack cannot be written"
if [ -n "$proxy" ]; then
  # Both, then the services alone: a name that the former load did not have starts without addresses.
  if [ -n "$pins" ]; then
    bridge=yes
    load bridge
    pause && pause && pause
    bridge='' pins=''
  fi
  load rest
fi
[ -z "$removing" ] || wait "$removing" || die 70 'a former replica cannot be removed'
# rename NAME ID…
rename() {
  local stem=${1%#} id name number=1 held=' ' move=()
  if [ "$stem" = "$1" ]; then
    [ "$(of "$2" '{{.Name}}')" = "/$1" ] || docker rename "$2" "$1"
    return
  fi
  shift
  for id; do
    name=$(of "$id" '{{.Name}}')
    name=${name#"/$stem"}
    if [[ $name =~ ^[1-9][0-9]*$ ]] && [ "$name" -le $# ]; then held+="$name "; else move+=("$id"); fi
  done
  for id in "${move[@]}"; do
    while [[ $held == *" $number "* ]]; do number=$((number + 1)); done
    docker rename "$id" "$stem$number" || return 1
    held+="$number "
  done
}
while read -ra words; do
  [ ${#words[@]} -eq 0 ] || rename "${words[0]}" "${words[@]:2}" || die 70 'a replica cannot be renamed'
done <<<"$names"
