#!/usr/bin/env bash
# What a login shell becomes: it runs commands, one after the other, as its input asks for them.
# Neither a single quote nor a backslash stands here: within quotes fish takes them otherwise.
set +eux # as the environment may have it
out="" err=""

# What a command left running prints to nobody any more. Only a child of ours is one of these.
part() {
  local relay stat
  for relay in $out $err; do
    { read -r stat </proc/"$relay"/stat; } 2>/dev/null || continue
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    if [ "$2" = $$ ]; then
      kill -KILL "$relay"
      wait "$relay" 2>/dev/null
    fi
  done
}

# run MARK GIVEN: the line in text; GIVEN: letters of its input, in base64.
run() {
  local mark=$1 given=$2 code
  exec 3> >(exec cat 2>/dev/null)
  out=$!
  exec 4> >(exec cat >&2 2>/dev/null 3>&-)
  err=$!
  if [ "$given" = 0 ]; then
    exec 5</dev/null
  else
    exec 5< <(exec 3>&- 4>&- </dev/null 2>/dev/null && printf %s "$input" | base64 -d)
  fi
  input=""
  echo "$mark"
  echo "$mark" >&2
  # What bash says of a command that a signal ended is not the output of it.
  { (eval "exec $text") <&5 >&3 2>&4 3>&- 4>&- 5<&-; } 2>/dev/null
  code=$?
  echo "$mark $code" >&3
  echo "$mark" >&4
  exec 3>&- 4>&- 5<&-
}

# The first command may come with the shell itself, in base64: what stands in it means nothing to the login shell.
if [ $# = 3 ]; then
  text=$(printf %s "$3" | base64 -d)
  [ -n "$text" ] || exit
  input=""
  run "$2$1" 0
fi
while read -r ask first second size given; do
  part
  # Not before everything has come: half of a text never looks like the whole.
  { [ "$ask" = run ] && LC_ALL=C read -r -N "$size" text; } || break
  input=""
  [ "$given" = 0 ] || LC_ALL=C read -r -N "$given" input || break
  { read -r ask && [ "$ask" = go ]; } || break
  run "$first$second" "$given"
done
part
