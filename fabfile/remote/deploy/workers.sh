# shellcheck shell=bash disable=SC2154 # proxy.sh and swap.sh follow this one
# Which processes of a proxy answer requests, and how long those from before a load may still be given one.
readonly KEPT=11 # seconds: more than keepalive_min_timeout (nginx/snippets/http.conf)
pause() { read -rt 0.1 <> <(:) || :; }

# workers MASTER [taking]: those of the proxy; "taking": only those that take new connections.
workers() {
  local worker
  # shellcheck disable=SC2013 # words of one line
  for worker in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
    case $(tr '\0' ' ' 2>/dev/null <"/proc/$worker/cmdline") in
      'nginx: worker process is shutting down'*) [ -n "${2-}" ] || printf '%s\n' "$worker" ;;
      'nginx: worker process'*) printf '%s\n' "$worker" ;;
    esac
  done
}

# leave: wait for all workers from before the last load ("leaving"), of whichever earlier load they are: until they have
# gone, or can no longer be given a request over a connection that a client kept open, so long after that load ("since").
# What they have begun they end. Those that cannot be seen are there: the engine may run elsewhere (rootless, in a
# virtual machine).
leave() {
  local worker
  for worker in ${leaving:-unseen}; do
    while [ "$worker" = unseen ] || [ -d "/proc/$worker" ]; do
      [ $((SECONDS - since)) -lt $KEPT ] || return 0
      pause
    done
  done
}
