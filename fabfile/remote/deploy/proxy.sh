#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2154 # it follows workers.sh and upstreams.sh, and other scripts follow this one
# What a proxy reads in its folder of state, and how it comes to load that.
# Arguments: FOLDER UPSTREAMS GENERATION EPOCH MISSING PINS TEXTS CONTAINER, then the follower's own.
# FOLDER: where the proxy reads its state; UPSTREAMS: lines of files that say where requests go (empty: none);
# MISSING: services that are not there; PINS: as upstreams.sh has it; TEXTS: lines "FILE TEXT" of other files there
# (TEXT as printf %b has it); CONTAINER: the proxy's, or empty while it does not run.
# Exit codes: 70 nothing was loaded, 71 a container did not become healthy.
set -uo pipefail
folder=$1 upstreams=$2 generation=$3 epoch=$4 missing=$5 pins=$6 texts=$7 proxy=$8
shift 8
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

# named SERVICE: whether requests go to it by its name.
named() { [ -n "$upstreams" ] && grep -Eq "^[[:space:]]*server[[:space:]]+$1:" "${files[@]}"; }

# write WORD: what the proxy is to load as WORD: where requests go, without the services that are missing.
write() {
  local name text rules=(-e '')
  for name in $missing; do rules+=(-e "/^[[:space:]]*server[[:space:]]+$name:/d"); done
  while read -r name text; do
    # Until the switch the files are the running release's; one that it has not may be there already.
    [ -z "$name" ] || { [ "$1" = held ] && [ -e "$folder/$name" ]; } ||
      printf '%b' "$text" | put "$name" || return 1
  done <<<"$texts"
  [ -z "$upstreams" ] || sed -E "${rules[@]}" "${files[@]}" | sided | put upstreams.conf || return 1
  {
    constant generation "$generation"
    constant epoch "$epoch$1"
    constant pinned "$pins"
  } | put generation.conf
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
  local name row id
  tr ';' '\n' <<<"$1" | while read -r name row; do
    [ "$name" != / ] || continue # which share of the clients
    for id in ${row//\//}; do [ "$(of "$id" '{{.State.Running}}')" = true ] || return 1; done
  done
}

# starts: whether the engine starts it again and again: somebody whom it is told to ask may be gone.
starts() { [ "$(of "$proxy" '{{.State.Restarting}}')" = true ]; }

# heed: have the proxy test and load what is written. One that does not start is started from that now; the engine would
# wait longer each time.
heed() {
  if starts; then docker restart "$proxy"; else docker exec "$proxy" sh -c 'nginx -t && nginx -s reload'; fi
}

# load WORD: write it, have it tested and loaded, and wait until nobody takes connections with
# what was loaded before. When that fails, what is loaded and what is written are as before. Where somebody whom that
# names is gone, nginx would not start from it: then it is the services' names.
load() {
  local file former master taking end=$((SECONDS + LOADED))
  for file in upstreams.conf generation.conf $(cut -d ' ' -f 1 <<<"$texts"); do
    [ ! -f "$folder/$file" ] || cp "$folder/$file" "$scratch/" || die 70 'no temporary file can be written'
  done
  master=$(of "$proxy" '{{.State.Pid}}')
  taking=$(workers "$master" taking)
  leaving=$(workers "$master")
  if ! { write "$@" && heed && answers "$(address_of "$proxy")" "$1"; } >"$scratch/said" 2>&1 </dev/null; then
    for file in "$scratch"/*.conf; do put "${file##*/}" <"$file"; done
    cat "$scratch/said" >&2
    former=$(sed -n 's|^location = /pinned .* return 200 "\(.*\)\\n"; }$|\1|p' "$folder/generation.conf")
    serve "$former" || { pins='' && write rest && heed >/dev/null 2>&1 </dev/null; }
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
