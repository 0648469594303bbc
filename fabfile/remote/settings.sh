#!/usr/bin/env bash
# What is done with a server's .env. Arguments: what to do, then its own. clean.sh goes before it.
# check READING FOLDER STACK SIZE: what compose reads in the text that comes by standard input, as the file READING asks
#   for it, then NUL, then why compose refuses the STACK (its files, a line each) with it. Nothing: the server has no compose yet.
# probe FOLDER STACK ENV SIZE: what compose makes of the STACK, then NUL, then what it makes of it with the line that comes
#   by standard input at the end of ENV.
# replace ENV SIZE: standard input is the digest of what ENV holds, or "none", and the text that takes its place.
#   What stood there is kept beside it; of those the last three stay.
# Exit codes: 70 not all of the text came, 75 ENV holds something else by now: nothing was changed.
set -euo pipefail
umask 077
what=$1
shift
# config FOLDER ENV FILES OPTION…: what compose makes of the FILES, a line each.
config() {
  local file files=()
  while IFS= read -r file; do files+=(-f "$file"); done <<<"$3"
  clean docker compose --project-directory "$1" --env-file "$2" "${files[@]}" config "${@:4}"
}
# whole FILE SIZE: a connection that ends before the text has come looks like its end.
whole() { [ "$(stat -c %s "$1")" = "$2" ] || exit 70; }
check() {
  clean docker compose version >/dev/null 2>&1 || return 0
  cat >"$scratch/env"
  whole "$scratch/env" "$4"
  printf '%s' "$1" >"$scratch/reading.yml"
  config "$scratch" "$scratch/env" "$scratch/reading.yml" --format json 2>/dev/null || :
  printf '\0'
  [ ! -e "${3%%$'\n'*}" ] || config "$2" "$scratch/env" "$3" -q 2>&1 | tr -d '\0' || :
}
probe() {
  cat "$3" >"$scratch/env"
  printf '\n' >>"$scratch/env"
  cat >"$scratch/line"
  whole "$scratch/line" "$4"
  config "$1" "$scratch/env" "$2" --format json
  printf '\0'
  cat "$scratch/line" >>"$scratch/env"
  config "$1" "$scratch/env" "$2" --format json
}
replace() {
  local seen there=none former old
  target=$(realpath -m "$1")
  mkdir -p "${target%/*}"
  IFS= read -r seen
  trap 'rm -f "$target.new"' EXIT
  cat >"$target.new"
  whole "$target.new" "$2"
  sync "$target.new"
  [ ! -e "$target" ] || there=$(sha256sum <"$target")
  [ "${there%% *}" = "$seen" ] || exit 75
  if [ -e "$target" ]; then
    former=$target.former-$(date -u +%Y%m%dT%H%M%S.%6NZ)
    while [ -e "$former" ]; do former=${former}b; done
    cp "$target" "$former"
  fi
  mv -f "$target.new" "$target"
  # shellcheck disable=SC2012 # their names are ours
  { ls "$target".former-* | head -n -3 | while IFS= read -r old; do rm -f "$old"; done; } 2>/dev/null || :
}
if [ "$what" != replace ]; then
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/wishwithme-env.XXXXXXXX")
  trap 'rm -rf "$scratch"' EXIT
fi
"$what" "$@"
