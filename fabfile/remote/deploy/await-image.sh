#!/usr/bin/env bash
# Make the folder for what comes of an image, and print how many bytes of this one are there.
# Arguments: FOLDER NAME TOTAL KEEP. What came of another image goes: one at a time is on its way. KEEP: bytes that must stay
# free beside what is to come; exit code 78 where they would not.
set -eu
folder=$1 file=$1/$2 total=$3 keep=$4
umask 077
mkdir -p "$folder"
for other in "$folder"/*; do [ "$other" = "$file" ] || rm -f "$other"; done
there=$(stat -c %s "$file" 2>/dev/null || echo 0)
free=$(df -PB1 "$folder" | awk 'NR == 2 { print $4 }')
if [ "$((free - (total - there)))" -lt "$keep" ]; then
  echo "$free"
  exit 78
fi
echo "$there"
