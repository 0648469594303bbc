#!/usr/bin/env bash
# The base backups that stand in a folder. Argument: FOLDER. Lines: "now SECONDS", "base BYTES NAME MANIFEST".
set -u
printf 'now %s\n' "$(date +%s)"
cd "$1" 2>/dev/null || exit 0
for file in base_*.tar.*.json; do
  case $file in *[!A-Za-z0-9_.-]*) continue ;; esac
  [ -f "${file%.json}" ] || continue
  printf 'base %s %s %s\n' "$(stat -c %s "${file%.json}")" "${file%.json}" "$(tr -d '\n' <"$file")"
done
