# shellcheck shell=bash
# room FOLDER [MIB]: whether so much can be written there; else standard output says why not. Others write to its disk
# too, so some of it stays free.
room() {
  local free disk needed=$((${2:-0} + 128))
  read -r free disk < <(df -PB1M "$1" | awk 'END { print $4, $6 }')
  [ "$free" -ge "$needed" ] || { echo "disk $disk has $free MiB free, and $needed MiB are needed" && return 1; }
}
# fetched IDLE LONGEST FOLDER WORDS…: "git fetch WORDS" for as long as it goes on. It ends when it has kept still for IDLE
# seconds, after LONGEST seconds, or when there is no room in FOLDER, where it writes.
# Standard output: an empty line now and then, so that nobody takes a slow fetch for a host that hangs.
# Standard error: what git says, but for its progress. Exit code: git's own, or not 0.
fetched() {
  local idle=$1 longest=$2 folder=$3 byte back='' line='' said='' why='' code=0 pid descriptor told=0
  shift 3
  # In a group of its own, which timeout ends as a whole.
  exec {descriptor}< <(LC_ALL=C exec timeout -k 5 "$longest" git -c core.hooksPath=/dev/null -c color.ui=false \
    fetch --progress --no-tags "$@" 2>&1 >/dev/null </dev/null)
  pid=$!
  while
    # What git tells of its progress ends with a carriage return, what ssh tells with one and a newline. A whole line may
    # take longer than IDLE.
    IFS= read -rd '' -n 1 -t "$idle" -u "$descriptor" byte || code=$?
    [ "$code" -eq 0 ]
  do
    case $byte in
      $'\r') back=yes ;;
      $'\n') said+=$line$'\n' line='' back='' ;;
      *) [ -z "$back" ] || { line='' && back=''; }; line+=$byte ;;
    esac
    [ "$SECONDS" -ge "$told" ] || continue
    told=$((SECONDS + 5))
    printf '\n'
    why=$(room "$folder") || break
  done
  [ "$code" -le 128 ] || why="nothing came for $idle s"
  [ -z "$why" ] || kill "$pid" 2>/dev/null
  code=0
  wait "$pid" || code=$?
  exec {descriptor}<&-
  [ "$code" -ne 124 ] || why="no end within $longest s"
  [ "$code" -ne 0 ] || return 0
  if [ -n "$why" ]; then
    printf '%s\n' "$why" >&2
  else
    printf '%s' "$said$line" | grep -vE '^(From |   |  ?[-*+!=] )|^remote: Total |, done\.$|% \(' >&2
  fi
  return "$code"
}
# busy FOLDER: standard output: the process of a git that works there. Exit code 1: none does.
busy() {
  local here process name
  here=$(cd "$1" && pwd -P) || return 1
  for process in /proc/[0-9]*; do
    { read -r name <"$process/comm"; } 2>/dev/null && [ "$name" = git ] || continue
    case $(readlink "$process/cwd" || :)/ in "$here"/*) echo "${process##*/}" && return ;; esac
  done
  return 1
}
# unlock FOLDER: take away the locks that a git which died has left. One that is at work is not disturbed: exit code 75.
unlock() {
  local process
  [ -n "$(find "$1/.git" -name '*.lock' -type f -print -quit)" ] || return 0
  if process=$(busy "$1"); then
    echo "git is at work in $(cd "$1" && pwd -P) (process $process); wait until it has ended" >&2
    return 75
  fi
  find "$1/.git" -name '*.lock' -type f -delete
}
