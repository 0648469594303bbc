# shellcheck shell=bash # others follow it
# What the stack's file says while old and new replicas of a service stand beside each other: that it has as many. A plain
# compose up by hand would otherwise remove some, and its version decides which.
# It is a second document of the file, which compose merges into the first; what compose writes on containers is the same.
readonly MEANWHILE='--- # until a deploy ends: as many replicas as there are, old and new'
# rewritten FILE: what comes by standard input, whole or not at all.
rewritten() {
  local new
  new=$(git -C "${1%/*}" rev-parse --absolute-git-dir)/meanwhile || return 1
  cp -p "$1" "$new" && cat >"$new" && mv -f "$new" "$1" && return
  rm -f "$new"
  return 1
}
# own FILE: what it says without that.
own() {
  local text
  text=$(cat "$1" && printf .) || return 1
  text=${text%.}
  printf '%s' "${text%%$'\n'"$MEANWHILE"$'\n'*}"
}
# plain FILE: say no more than that.
plain() {
  local text
  grep -Fqx -e "$MEANWHILE" "$1" 2>/dev/null || return 0
  text=$(own "$1" && printf .) && printf '%s' "${text%.}" | rewritten "$1"
}
# enough FILE LINES: say how many there are; LINES: "SERVICE KEY TOTAL", KEY being the one by which the file says it.
enough() {
  local text service key total
  text=$(own "$1" && printf .) || return 1
  {
    printf '%s\n%s\nservices:\n' "${text%.}" "$MEANWHILE"
    while read -r service key total; do
      if [ "$key" = scale ]; then
        printf '  %s: {scale: %s}\n' "$service" "$total"
      else
        printf '  %s: {deploy: {replicas: %s}}\n' "$service" "$total"
      fi
    done <<<"$2"
  } | rewritten "$1"
}
