# shellcheck shell=bash
# Stand by a command that somebody runs in a container: hand on the signals that it is to get, and end it when nobody
# is there any more. The engine does not: what `docker exec` began goes on when its client is gone.
# Arguments: PATIENCE KIND. KIND is exec (a command in a running container) or once (a container of its own).
# Standard input: the token of the command and its container, which must not stand among the words of this script; then a
# line now and then, each of which is answered; INT: hand it on; bye: the command has ended. After PATIENCE seconds
# without a line nobody is there.
# The token stands in the environment of an executed command, and so of what that starts; and in the words of its client.
trap '' HUP PIPE
patience=$1 kind=$2
read -r -t "$patience" token container && [ -n "$container" ] || exit 1
signal() {
  if [ "$kind" = once ]; then
    docker kill --signal "$1" "$container"
    return
  fi
  # shellcheck disable=SC2016 # the container's shell expands it
  docker exec "$container" sh -c '
found=1
for at in /proc/[0-9]*; do
  if grep -q "$2" "$at/environ"; then
    kill "-$1" "${at#/proc/}" && found=0
  fi
done
exit "$found"' signal "$1" "$token"
}
# Its clients on this host: one that goes on could make the container after it was removed here.
clients() {
  local at words
  for at in /proc/[0-9]*; do
    mapfile -d '' -t words <"$at/cmdline"
    [[ ${words[*]} != *"$token"* ]] || kill "-$1" "${at#/proc/}"
  done
}
finish() {
  local pause
  clients TERM
  if [ "$kind" = once ]; then
    docker stop -t 5 "$container"
    clients KILL
    docker rm --force "$container"
    return
  fi
  signal HUP
  for pause in 0.5 0.5 1 1 2; do
    signal 0 || return
    read -rt "$pause" _ <> <(:)
  done
  signal KILL
}
echo ready
while IFS= read -r -t "$patience" told; do
  case $told in
    bye)
      [ "$kind" != once ] || docker rm --force "$container" >/dev/null 2>&1
      exit 0
      ;;
    INT) signal INT >/dev/null 2>&1 & ;;
  esac
  echo there
done
finish >/dev/null 2>&1
exit 0
