#!/usr/bin/env bash
# Add what comes by standard input to a file, until all of it is there.
# Arguments: FOLDER NAME TOTAL OFFSET. NAME: what the SHA-256 of the whole is. Exit codes: 75 the input ended too early:
# what came stays, and the next time goes on there; 76 it is not the file that was meant; 78 there is no room.
set -eu
file=$1/$2 digest=${2%%.*} total=$3 offset=$4
umask 077
size() { stat -c %s "$file" 2>/dev/null || echo 0; }
[ "$(size)" = "$offset" ] || { echo "$(size) bytes are there, not $offset"; exit 76; }
if ! cat >>"$file"; then
  rm -f "$file" # a full disk keeps no part of an image
  exit 78
fi
[ "$(size)" = "$total" ] || exit 75
[ "$(sha256sum <"$file" | cut -d ' ' -f 1)" = "$digest" ] || { rm -f "$file"; exit 76; }
