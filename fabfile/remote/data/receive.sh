#!/usr/bin/env bash
# Receive a copy of a backup and put it, with its manifest, into the folder of backups.
# Arguments: FOLDER NAME SHA256 NEEDED. NEEDED: bytes that must be free.
# Standard input: the manifest, a line; the private key of age, some lines, where the copy is encrypted;
# the line "copy:"; the copy. The key stays in memory and goes on through a pipe: into no file and no argument.
# Exit codes: 65 it is not what was written, 70 a stage failed, 74 disk, 75 another one is running,
# 77 the key does not open it (said on standard error). Nothing is left then.
set -uo pipefail
folder=$1 name=$2 digest=$3 needed=$4
export LC_ALL=C
umask 077

case $name in .* | *[!A-Za-z0-9_.-]*) die 70 'that is not the name of a backup' ;; esac
exec 9<"$folder" || die 70 "$folder cannot be opened"
flock --nonblock 9 || die 75 'a backup, check or clean-up is running'
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wishwithme-receive.XXXXXXXX") || die 74 'no temporary folder can be made'
part=$folder/$name.part
trap 'rm -rf "$scratch" "$part" "$folder/$name.json.part"' EXIT
trap 'exit 143' HUP INT TERM PIPE
free=$(df -B1 --output=avail "$folder" | tail -n 1)
[ "$free" -ge "$needed" ] || die 74 "$((free >> 20)) MiB are free in $folder, the copy takes $((needed >> 20)) MiB"

IFS= read -r manifest || die 70 'the copy did not come'
identity=''
while IFS= read -r line && [ "$line" != copy: ]; do identity+=$line$'\n'; done
if [ -z "$identity" ]; then
  cat >"$part" 2>"$scratch/err" || die 70 "$(cause "$scratch/err")"
else
  age --decrypt --identity <(printf '%s' "$identity") >"$part" 2>"$scratch/err"
  code=$?
  grep -q 'no identity matched\|malformed\|unknown identity' "$scratch/err" &&
    die 77 'the identity does not open it: another private key does'
  [ "$code" -eq 0 ] || die 65 "$(cause "$scratch/err")"
fi
sync "$part" || die 70 "$part cannot be written to the disk"
read -r found _ < <(sha256sum "$part")
[ "$found" = "$digest" ] || die 65 'what came is not what was written: its digest is another one'
printf '%s\n' "$manifest" >"$folder/$name.json.part" || die 70 'the manifest cannot be written'
sync "$folder/$name.json.part" || die 70 'the manifest cannot be written to the disk'
# Where a file of that name stood, its manifest must not vouch for another one meanwhile.
rm -f "$folder/$name.json"
mv "$part" "$folder/$name" || die 70 'the backup cannot be given its name'
mv "$folder/$name.json.part" "$folder/$name.json" || die 70 'the manifest cannot be given its name'
sync "$folder"
