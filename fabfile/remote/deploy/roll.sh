# shellcheck shell=bash disable=SC2034,SC2154 # follows proxy.sh
# Replace the container of one service so that no request fails: it is taken out of the proxy, ends what it has
# begun, is replaced, and is given requests again once the proxy reaches it.
# Arguments after those of proxy.sh: SERVICE CONTAINER PORT TWINS STANDIN DRAIN PATIENCE FLAGS KILLED COMPOSE…
# TWINS: containers of its twins, of which a healthy one carries the requests meanwhile (none: STANDIN, a one-off
# container of the new image, does); PORT: where it listens and is asked through the proxy (empty: nobody asks);
# DRAIN: seconds that its requests may take to end before it is told to stop; PATIENCE: seconds until it must be
# healthy; FLAGS: what compose is told beside; KILLED: said where the former one did not end by itself;
# COMPOSE…: docker compose on the stack.
service=$1 container=$2 port=$3 twins=$4 standin=$5 drain=$6 patience=$7 killed=$9
read -ra flags <<<"$8"
shift 9
running() { [ "$(of "$1" '{{.State.Running}}')" = true ]; }
proxied() {
  [ -n "$proxy" ] && [ -n "$upstreams" ] && grep -Eq "^[[:space:]]*server[[:space:]]+$service:" "${files[@]}"
}

# carried: whether a twin is well now, whatever was seen of it when the deploy began.
carried() {
  local twin
  for twin in $twins; do [ "$(state_of "$twin")" != 'running healthy' ] || return 0; done
  return 1
}

# stand: a one-off container of the new image, which takes requests as soon as it is healthy.
stand() {
  # One that a run which died has left: it may be new to the engine, after a reboot.
  running "$standin" && comes "$standin" && return
  docker rm -f "$standin" >/dev/null 2>&1
  "$@" run -d --no-deps -T --name "$standin" --label "me.wishwith.stand-in=$service" "$service" </dev/null >&2 || return 1
  # Compose gives a one-off no restart policy; this one must come back after a reboot.
  docker update --restart unless-stopped "$standin" >/dev/null || return 1
  comes "$standin" || { docker logs --tail 15 "$standin" >&2; return 1; }
}
dismiss() {
  leave
  docker stop "$standin" >/dev/null && docker rm "$standin" >/dev/null
}

begun=$SECONDS
if proxied && running "$container"; then
  if carried; then
    load "out" "$service"
  else
    stand "$@" || { docker rm -f "$standin" >/dev/null 2>&1; die 72 "$standin did not become healthy"; }
    load "out" "$service" "$standin"
  fi
  leave
  drained "$container" "$port" "$drain"
  printf 'drained in %s s\n' $((SECONDS - begun))
fi
former=$(of "$container" '{{.Id}}') from=$(date +%s)
if ! "$@" up -d --no-build "${flags[@]}" "$service" </dev/null >&2 || ! comes "$container"; then
  die 71 "$service did not become healthy"
fi
# How the former one ended is the engine's to tell: it is gone.
if [ -n "$former" ] && [ "$(docker events --since "$from" --until "$(date +%s)" --filter "container=$former" \
  --filter event=die --format '{{index .Actor.Attributes "exitCode"}}' </dev/null | tail -n 1)" = 137 ]; then
  printf '%s\n' "$killed"
fi
[ -n "$proxy" ] || exit 0
# Both, then it alone: a reload keeps the addresses that nginx has found, and with none it would have nobody to ask.
if proxied && running "$standin"; then load "both" "$service" "$standin" yes; fi
load "in"
if [ -n "$port" ]; then
  # Its actual address is compared: a name that nginx resolved earlier may be another one's now.
  wanted=$(addresses_of "$container" | sed "s/\$/:$port/") end=$((SECONDS + LOADED))
  until curl -s --noproxy '*' --max-time 5 -o /dev/null -D - "http://$(address_of "$proxy"):$PROOF/reach/$service" |
    tr -d '\r' | sed -n 's/^x-reached: //Ip' | grep -Fqx -e "$wanted"; do
    [ $SECONDS -lt $end ] || die 70 "the proxy does not reach $service at ${wanted//$'\n'/ or }"
    pause
  done
fi
if running "$standin"; then dismiss || die 70 "$standin cannot be removed"; fi
