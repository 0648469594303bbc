#!/usr/bin/env bash
# What stands in the folder of backups. Argument: FOLDER. Lines: "now SECONDS", "free BYTES",
# "file BYTES NAME" for each backup, "manifest JSON" for each manifest.
set -u
cd "$1" 2>/dev/null || { printf 'now %s\n' "$(date +%s)"; exit 0; }
printf 'now %s\nfree %s\n' "$(date +%s)" "$(df -B1 --output=avail . | tail -n 1)"
for file in db_*.sql.*; do
  [ -f "$file" ] || continue
  case $file in
    *.part) ;;
    *.json) printf 'manifest %s\n' "$(tr -d '\n' <"$file")" ;;
    *) printf 'file %s %s\n' "$(stat -c %s "$file")" "$file" ;;
  esac
done
