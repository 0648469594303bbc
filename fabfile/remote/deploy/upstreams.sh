# shellcheck shell=bash disable=SC2154 # proxy.sh and others follow this one; pins: as they are given it
# Where the requests of a proxy go: the files of the repository, with single replicas in the place of services.
# PINS: "SERVICE ID…; SERVICE ID…": who alone is asked, by the start of the ids, in place of whoever has the service's
# name. With a share of the clients for new replicas: "/ PERCENT SINCE; SERVICE ID… / ID…", those behind the / are the new.
bridge='' # not empty: those of PINS and whoever has the name

# pinned [SIDE]: of the lines that say where requests go, those of the services in PINS with each container in the
# service's place. Without resolve: a worker must never find another one there than when it was told.
# SIDE (-former, -new): the upstreams alone, named for that side.
pinned() {
  awk -v pins="$pins" -v bridge="$bridge" -v side="${1-}" '
    BEGIN {
      rows = split(pins, row, ";")
      for (i = 1; i <= rows; i++) {
        words = split(row[i], word, " ")
        if (word[1] == "/") { share = word[2]; continue }
        second = 0
        for (j = 2; j <= words; j++) {
          if (word[j] == "/") { second = 1; continue }
          if (second) new[word[1]] = new[word[1]] " " word[j]
          else who[word[1]] = who[word[1]] " " word[j]
        }
      }
      if (side == "-new") for (service in new) who[service] = new[service]
    }
    $1 == "upstream" { inside = 1 }
    side && !inside { next }
    side && match($0, /^[ \t]*(upstream|zone)[ \t]+[^ \t;{]+/) {
      $0 = substr($0, 1, RLENGTH) side substr($0, RLENGTH + 1)
    }
    $1 == "}" { inside = 0 }
    share && $1 == "split_clients" { splits = 1 }
    splits && $1 ~ /^\*/ {
      printf "    %s%% -new;\n    * -former;\n", share
      splits = 0
      next
    }
    {
      service = ""
      if ($1 == "server") { service = $2; sub(/:.*/, "", service) }
      if (!(service in who)) { print; next }
      count = split(who[service], id, " ")
      for (i = 1; i <= count; i++) {
        line = $0
        sub(service ":", id[i] ":", line)
        gsub(/[ \t]resolve[ \t]/, " ", line)
        sub(/[ \t]resolve;/, ";", line)
        print line
      }
      if (bridge) print
    }'
}

# sided: the same lines, and behind them, while new replicas have a share of the clients, the upstreams of each side.
sided() {
  local said side
  said=$(cat)
  pinned <<<"$said"
  [[ $pins == /* ]] || return 0
  grep -q '^[[:space:]]*split_clients[[:space:]]' <<<"$said" || {
    printf 'no split_clients stands beside the upstreams (docs/deploy.md, A share of the clients)\n' >&2
    return 1
  }
  for side in -former -new; do pinned $side <<<"$said"; done
}
