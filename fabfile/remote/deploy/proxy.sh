#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2154 # it follows workers.sh and upstreams.sh, and other scripts follow this one
# What a proxy reads in its folder of state, and how it comes to load that.
# Arguments: FOLDER UPSTREAMS GENERATION EPOCH MISSING PINS REACH ALLOW BELIEVED CONTAINER, then the follower's own.
# FOLDER: where the proxy reads its state; UPSTREAMS: lines of files that say where requests go (empty: none);
# MISSING: services that are not there; PINS: as upstreams.sh has it; REACH: lines of SERVICE URL that it is to reach;
# ALLOW: the text of allow.conf (empty: none); BELIEVED: that of real-ip.conf; CONTAINER: the proxy's, or empty while it
# does not run.
# Exit codes: 70 nothing was loaded, 71 the container of the service did not become healthy,
# 72 the one that was to stand in for it did not.
set -uo pipefail
folder=$1 upstreams=$2 generation=$3 epoch=$4 missing=$5 pins=$6 reach=$7 allow=$8 believed=$9 proxy=${10}
shift 10
readarray -t files <<<"$upstreams"
export LC_ALL=C
readonly PROOF=8090 # port at which the proxy answers what it has loaded (nginx/snippets/generation.conf)
readonly LOADED=20  # seconds after a reload within which the new configuration must answer
die() { code=$1; shift; printf '%s\n' "$*" >&2; exit "$code"; }
of() { docker inspect --format "$2" "$1" 2>/dev/null; }
# addresses_of CONTAINER: its address on each of its networks, a line each; on the host's own, it is this one.
addresses_of() {
  of "$1" '{{if eq .HostConfig.NetworkMode "host"}}127.0.0.1{{else}}{{range .NetworkSettings.Networks}}{{with .IPAddress}}{{println .}}{{end}}{{end}}{{end}}' | sed '/^$/d'
}
address_of() { addresses_of "$1" | head -n 1; }

stem=wishwithme-$(cksum <<<"${folder%/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-proxy.XXXXXXXX") || die 70 'no temporary folder can be made'
trap 'rm -rf "$scratch"' EXIT
trap 'exit 143' HUP INT TERM

# put NAME: write a file of the folder whole or not at all.
put() { cat >"$folder/$1.tmp" && chmod 644 "$folder/$1.tmp" && mv -f "$folder/$1.tmp" "$folder/$1"; }
constant() { printf 'location = /%s { default_type text/plain; return 200 "%s\\n"; }\n' "$1" "$2"; }

# write WORD [AWAY [STANDIN [BESIDE]]]: what the proxy is to load as WORD: where requests go, without the services that
# are missing and without AWAY, for which the container STANDIN is asked; BESIDE (not empty): both of them are.
write() {
  local word=$1 away=${2-} standin=${3-} beside=${4-} name url rules=(-e '')
  for name in $missing; do rules+=(-e "/^[[:space:]]*server[[:space:]]+$name:/d"); done
  if [ -n "$standin" ]; then
    # nginx is to find it while it loads: nobody else may be there to ask before the first answer of a resolver.
    rules+=(-e "/^[[:space:]]*server[[:space:]]+$away:/ {" ${beside:+-e p} -e "s/$away:/$standin:/")
    rules+=(-e 's/[[:space:]]resolve([[:space:];])/\1/' -e '}')
  elif [ -n "$away" ]; then
    rules+=(-e "/^[[:space:]]*server[[:space:]]+$away:/d")
  fi
  [ -z "$allow" ] || printf '%s\n' "$allow" | put allow.conf || return 1
  printf '%s' "$believed" | put real-ip.conf || return 1
  [ -z "$upstreams" ] || sed -E "${rules[@]}" "${files[@]}" | sided | put upstreams.conf || return 1
  {
    constant generation "$generation"
    constant epoch "$epoch$word"
    constant pinned "$pins"
    # By the container's name: an upstream of nginx may be called like the service. In a variable, a name that
    # nobody has stops no start.
    # shellcheck disable=SC2016 # nginx is to expand them, not this shell
    while read -r name url; do
      case " $missing $away " in *" $name "*) continue ;; esac
      [ -z "$name" ] ||
        printf 'location = /reach/%s { set $url %s; proxy_pass $url; add_header X-Reached $upstream_addr always; }\n' \
          "$name" "$url"
    done <<<"$reach"
  } | put generation.conf || return 1
  constant away "$away" | put generation-away.conf
}

# answers ADDRESS WORD: whether the proxy there answers from what was written as WORD, within some seconds.
answers() {
  local end=$((SECONDS + LOADED))
  while [ "$(curl -s --noproxy "*" --max-time 2 "http://$1:$PROOF/epoch")" != "$epoch$2" ]; do
    [ $SECONDS -lt $end ] || return 1
    pause
  done
}

# serve PINS: whether all those run whom the proxy names one by one.
serve() {
  local row id
  tr ';' '\n' <<<"$1" | while read -r _ row; do
    for id in $row; do [ "$(of "$id" '{{.State.Running}}')" = true ] || return 1; done
  done
}

# load WORD [AWAY [STANDIN [BESIDE]]]: write it, have it tested and loaded, and wait until nobody takes connections with
# what was loaded before. When that fails, what is loaded and what is written are as before. Where somebody whom that
# names is gone, nginx would not start from it: then the services' names are written.
load() {
  local file former master taking end=$((SECONDS + LOADED))
  for file in upstreams generation generation-away allow real-ip; do
    [ ! -f "$folder/$file.conf" ] || cp "$folder/$file.conf" "$scratch/" || die 70 'no temporary file can be written'
  done
  master=$(of "$proxy" '{{.State.Pid}}')
  taking=$(workers "$master" taking)
  leaving=$(workers "$master")
  if ! { write "$@" && docker exec "$proxy" sh -c 'nginx -t && nginx -s reload' &&
    answers "$(address_of "$proxy")" "$1"; } >"$scratch/said" 2>&1 </dev/null; then
    for file in "$scratch"/*.conf; do put "${file##*/}" <"$file"; done
    cat "$scratch/said" >&2
    former=$(sed -n 's|^location = /pinned .* return 200 "\(.*\)\\n"; }$|\1|p' "$folder/generation.conf")
    serve "$former" || { pins='' && write rest; }
    die 70 "nginx does not load what was written"
  fi
  while [ -n "$taking" ] && workers "$master" taking | grep -Fqx -e "$taking" && [ $SECONDS -lt $end ]; do pause; done
  # The next command knows by the file when that was, and who served before.
  printf '%s\n' "$leaving" >"$folder/leaving"
  since=$SECONDS
}

# loaded_before: what leave waits for where this script has loaded nothing.
loaded_before() {
  local age
  age=$(($(date +%s) - $(stat -c %Y "$folder/leaving" 2>/dev/null || echo 0)))
  leaving=$(cat "$folder/leaving" 2>/dev/null) since=$((SECONDS - (age < 0 ? 0 : age)))
}
