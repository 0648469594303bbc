# shellcheck shell=bash disable=SC2154 # it follows proxy.sh; patience: seconds until a container must be healthy
# Waiting until a container is healthy, and until nobody is connected to it.
state_of() { of "$1" '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}'; }
# comes CONTAINER: wait until it is healthy. The engine tells at once when that changes; it is asked every second too, for
# a stream of events ends with the engine.
comes() {
  local now events state='' end=$((SECONDS + patience))
  now=$(date +%s)
  exec {events}< <(exec docker events --since "$now" --until $((now + patience)) --format . --filter "container=$1" \
    --filter event=health_status --filter event=die 2>/dev/null)
  local telling=$!
  while :; do
    state=$(state_of "$1")
    [ "$state" = 'running starting' ] && [ $SECONDS -lt $end ] || break
    read -rt 1 <&"$events" || pause
  done
  kill "$telling" 2>/dev/null
  exec {events}<&-
  [ "$state" != 'running healthy' ] || return 0
  printf '%s is %s\n' "$1" "${state:-gone}" >&2
  return 1
}

# busy CONTAINER PORT: whether somebody else is connected to it. What cannot be looked at counts as busy until the deadline:
# the engine may run elsewhere (rootless, in a virtual machine).
busy() {
  local pid
  pid=$(of "$1" '{{.State.Pid}}')
  [ "${pid:-0}" != 0 ] || return 1 # it has ended
  [ -r "/proc/$pid/net/tcp" ] || return 0
  cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null |
    awk -v port=":$(printf '%04X' "$2")\$" '
      $4 == "01" && $2 ~ port && $3 !~ /^(0+0100007F|0100007F|0+FFFF00000100007F|0+01000000):/ { found = 1 }
      END { exit !found }'
}
# drained CONTAINER PORT SECONDS: wait so long at most until nobody is.
drained() {
  local end=$((SECONDS + $3))
  while [ $SECONDS -lt $end ] && busy "$1" "$2"; do pause; done
}
