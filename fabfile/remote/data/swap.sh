#!/usr/bin/env bash
# shellcheck disable=SC2034 # it follows workers.sh
# Put one database in the place of another, both names in one transaction, while the proxy holds callers.
# Arguments: CONTAINER USER LIVE ASIDE INCOMING PROXY ADDRESS FOLDER HELD PROOF EPOCH [COMMAND…].
# LIVE becomes ASIDE (empty: there is none), INCOMING becomes LIVE, then COMMAND runs. PROXY: container that
# holds callers (empty: none), with the text HELD in FOLDER/hold.conf; PROOF: the text of its proof, in which
# EPOCH stands for the load. Whatever ends this, the names agree and nobody is held any more.
# Exit codes: 70 failed, the names are as they were; 71 done, but the proxy still holds callers (both said on
# standard error).
set -uo pipefail
container=$1 user=$2 live=$3 aside=$4 incoming=$5 proxy=$6 address=$7 folder=$8 held=$9 proof=${10} epoch=${11}
shift 11
export LC_ALL=C
umask 022 # the proxy reads what is written here
psql_on() { docker exec -i "$container" psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$user" -d postgres "$@"; }

stem=wishwithme-$(cksum <<<"${folder%/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-swap.XXXXXXXX") || die 70 'no temporary folder can be made'
holding='' moved='' settled=''
finish() {
  [ -z "$moved" ] || [ -n "$settled" ] || names back
  [ -z "$holding" ] || load lifted || printf 'left: the proxy still holds callers back\n' >&2
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM

# load WORD: let the proxy load its configuration, and wait until it answers that it did.
load() {
  case $1 in
    held) printf '%s\n' "$held" >"$folder/hold.conf" ;;
    *) rm -f "$folder/hold.conf" ;;
  esac
  printf '%s\n' "${proof//"$epoch"/$epoch$1}" >"$folder/generation.conf"
  docker exec "$proxy" sh -c 'nginx -t && nginx -s reload' >"$scratch/err" 2>&1
  local code=$? end=$((SECONDS + 20))
  [ $code -ne 0 ] || holding=yes
  while [ $code -eq 0 ] && [ "$(curl -s --noproxy "*" --max-time 2 "http://$address:8090/epoch")" != "$epoch$1" ]; do
    [ $SECONDS -lt $end ] || code=1
    pause
  done
  # What is loaded is loaded; a proxy that starts anew holds nobody.
  rm -f "$folder/hold.conf"
  [ $code -ne 0 ] || [ "$1" = held ] || holding=''
  return $code
}

# names WAY: rename, in one transaction. The lock that the renaming takes keeps new connections out; those that
# are there are ended until it has the databases for itself.
names() {
  local first=$live second=$aside third=$incoming fourth=$live
  [ "$1" = there ] || { first=$live second=$incoming third=$aside fourth=$live; }
  {
    printf 'SET lock_timeout = %s;\nBEGIN;\n' "'20s'"
    [ -z "$second" ] || printf 'ALTER DATABASE :"first" RENAME TO :"second";\n'
    [ -z "$third" ] || printf 'ALTER DATABASE :"third" RENAME TO :"fourth";\n'
    printf 'COMMIT;\n'
  } | psql_on -v first="$first" -v second="$second" -v third="$third" -v fourth="$fourth" 2>"$scratch/names.err" &
  local renaming=$!
  while kill -0 $renaming 2>/dev/null; do
    psql_on -v live="$live" -v incoming="$incoming" -v aside="$aside" >/dev/null 2>&1 <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (:'live', :'incoming', :'aside');
SQL
    pause
  done
  wait $renaming
}

if [ -n "$proxy" ]; then
  leaving=$(workers "$(docker inspect --format '{{.State.Pid}}' "$proxy")")
  load held || die 70 "the proxy cannot hold callers: $(cause "$scratch/err")"
  # Nobody holds back those who ask over a connection that they have kept: they ask a worker from before.
  since=$SECONDS
  leave
  # Who was let in before ends its work, for a while.
  end=$((SECONDS + 5))
  while [ $SECONDS -lt $end ]; do
    working=$(psql_on -v live="$live" 2>/dev/null <<'SQL'
SELECT count(*) FROM pg_stat_activity WHERE datname = :'live' AND state <> 'idle';
SQL
    )
    [ "$working" = 0 ] && break
    pause
  done
fi
names there || die 70 "the names cannot be swapped: $(cause "$scratch/names.err")$(sed -n "s/^DETAIL: */; /p" "$scratch/names.err")"
moved=yes
if [ $# -gt 0 ]; then
  "$@" >"$scratch/command" 2>&1 </dev/null ||
    die 70 "the migration of what came back failed: $(tail -n 1 "$scratch/command")"
fi
settled=yes
if [ -n "$proxy" ]; then
  load lifted || die 71 "the proxy does not let callers in again: $(cause "$scratch/err")"
fi
