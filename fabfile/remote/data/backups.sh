#!/usr/bin/env bash
# What stands in the folder of backups. Argument: FOLDER. Lines: "now SECONDS", "free BYTES",
# "file BYTES NAME" for each backup, "manifest NAME JSON" for each manifest, NAME being the backup's.
set -u
export LC_ALL=C
cd "$1" 2>/dev/null || { printf 'now %s\n' "$(date +%s)"; exit 0; }
printf 'now %s\nfree %s\n' "$(date +%s)" "$(df -B1 --output=avail . | tail -n 1)"
for file in db_*; do
  case $file in
    # Nobody's backup is called so, and a name must not look like an answer.
    *[!A-Za-z0-9_.-]* | *.part) continue ;;
  esac
  [ -f "$file" ] && [ ! -L "$file" ] || continue
  case $file in
    *.json) printf 'manifest %s %s\n' "${file%.json}" "$(tr -d '\n' <"$file")" ;;
    *) printf 'file %s %s\n' "$(stat -c %s "$file")" "$file" ;;
  esac
done
