#!/usr/bin/env bash
# What both sides answered, by the proxy's own log, in the next seconds.
# Arguments: WORD PROXY UPSTREAMS NEW ASKED SINCE SECONDS. WORD: the file in which somebody ends the canary; PROXY: the
# proxy's container; UPSTREAMS: what it has loaded; NEW: the short ids of the new replicas; ASKED: of all that it names;
# SINCE: the server's time from which on answers count; SECONDS: how long to wait, at most.
# Prints "until TIME", "said WORDS" where somebody ended it, "gone" where a replica does not run any more, and
# "UPSTREAM SIDE FAILED MILLISECONDS COUNT" for the answers of SIDE (new, former): FAILED (0, 1) tells of 5xx, MILLISECONDS
# passed until the answer began. Only upstreams that have a replica of NEW count.
set -uo pipefail
word=$1 proxy=$2 upstreams=$3 new=$4 asked=$5 since=$6
export LC_ALL=C
end=$((SECONDS + $7))
read -ra replicas <<<"$asked"
while [ $SECONDS -lt $end ] && [ ! -s "$word" ]; do
  running=$(docker inspect --format '{{.State.Running}}' "${replicas[@]}" 2>/dev/null | grep -c true)
  [ "$running" = ${#replicas[@]} ] || { echo gone; break; }
  read -rt 1 <> <(:) || :
done
until=$(date +%s.%N)
echo "until $until"
[ ! -s "$word" ] || { printf 'said '; head -n 1 "$word"; }
names=$(awk -v new="$new" '
  BEGIN { count = split(new, id, " "); for (i = 1; i <= count; i++) is[id[i]] = 1 }
  $1 == "upstream" { name = $2 }
  $1 == "server" { place = $2; sub(/:.*/, "", place); if (place in is && sub(/-new$/, "", name)) print name }
' "$upstreams" | sort -u)
# Nobody who asks can write such a pair: within a value every quote is escaped.
docker logs --since "$since" --until "$until" "$proxy" 2>/dev/null | awk -v names="$names" '
  function value(key, at, rest) {
    at = index($0, "\"" key "\":\"")
    if (!at) return ""
    rest = substr($0, at + length(key) + 4)
    return substr(rest, 1, index(rest, "\"") - 1)
  }
  # Where several were asked, the last one answered.
  function last(text, count, part) { count = split(text, part, /[ ,:]+/); return part[count] }
  BEGIN { count = split(names, name, "\n"); for (i = 1; i <= count; i++) counts[name[i]] = 1 }
  {
    side = value("side")
    if (side != "-new" && side != "-former") next
    upstream = value("to")
    if (!sub(side "$", "", upstream) || !(upstream in counts)) next
    status = last(value("upstream_status"))
    if (status !~ /^[0-9]+$/) next
    began = last(value("header_seconds"))
    if (began !~ /^[0-9.]+$/) began = last(value("upstream_seconds"))
    seen[upstream " " substr(side, 2) " " (status >= 500) " " int(began * 1000 + 0.5)]++
  }
  END { for (one in seen) print one, seen[one] }'
