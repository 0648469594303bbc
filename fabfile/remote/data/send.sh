#!/usr/bin/env bash
# Write a backup to standard output, encrypted on the way where there is a recipient.
# Arguments: FILE SHA256 RECIPIENT.
# Exit codes: 65 it is not what was written, 75 another one is sending it, else those of age.
set -uo pipefail
file=$1 digest=$2 recipient=$3
[ -f "$file" ] || die 65 "$file is gone"
exec 8<"$file" || die 65 "$file cannot be opened"
flock --nonblock 8 || die 75 'another one is copying it'
read -r found _ < <(sha256sum "$file")
[ "$found" = "$digest" ] || die 65 "$file was changed since it was written: its digest is another one"
[ -n "$recipient" ] || exec cat <&8
exec age --encrypt --recipient "$recipient" <&8
