#!/usr/bin/env bash
# How long services keep a connection that nobody uses, where the proxy would keep it for longer.
# Arguments: HOLD UPSTREAMS ASKED. HOLD: seconds that each connection is held; UPSTREAMS: lines of files that say where
# the proxy's requests go; ASKED: lines of SERVICE CONTAINER PORT PATH. Of services that the proxy asks, those that
# close earlier than it does are told: lines of SERVICE MILLISECONDS SECONDS, the last the proxy's.
set -uo pipefail
hold=$1 asked=$3
readarray -t files <<<"$2"
export LC_ALL=C
limit=$(sed -nE 's/^[[:space:]]*keepalive_timeout[[:space:]]+([0-9]+)s?[[:space:];].*/\1/p' "${files[@]}" | sort -n | tail -n 1)
limit=${limit:-60} # nginx's own
now() { printf '%s' "${EPOCHREALTIME/./}"; }

# held SERVICE CONTAINER PORT PATH: ask once and wait until the connection is closed. Who says that it closes fights nobody.
held() {
  local address connection said begun took
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$2" 2>/dev/null)
  { exec {connection}<>"/dev/tcp/${address%% *}/$3"; } 2>/dev/null || return 0
  # By cat, in one piece: bash would write it line by line.
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: wishwithme-probe\r\n\r\n' "$4" "$1" | cat >&"$connection"
  begun=$(now)
  said=$(timeout "$hold" cat <&"$connection" 2>/dev/null | tr -d '\0\r'; exit "${PIPESTATUS[0]}")
  [ $? -ne 124 ] || return 0 # it is open still
  took=$((($(now) - begun) / 1000))
  if grep -qi '^connection: close' <<<"$said" || [ "$took" -ge $((limit * 1000)) ]; then return 0; fi
  printf '%s %s %s\n' "$1" "$took" "$limit"
}

while read -r service container port path; do
  grep -Eqs "^[[:space:]]*server[[:space:]]+$service:" "${files[@]}" || continue
  held "$service" "$container" "$port" "$path" &
done <<<"$asked"
wait
