#!/usr/bin/env bash
# Add an entry to the journal of a server. Arguments: FOLDER, SECONDS ago that it began, LARGEST size of the file.
# Standard input: the entry, a line of JSON without its instant. Where the folder round FOLDER is not there or not ours,
# nothing was ever set up or deployed, and there is no journal.
# Exit codes: 70 not all of the entry came; else that of what could not be done.
set -eu
umask 077
IFS= read -r entry || exit 70
[ -d "$1" ] || mkdir -m 700 "$1" 2>/dev/null || exit 0
cd "$1"
exec 9<.
flock --timeout 5 9
at=$(($(date +%s) - $2))
if [ "$(stat -c %s journal 2>/dev/null || echo 0)" -gt "$3" ]; then mv -f journal journal.1; fi
# What a crash left of the line before must not swallow this one.
if [ -s journal ] && [ "$(tail -c 1 journal | od -An -tx1)" != ' 0a' ]; then echo >>journal; fi
printf '{"at": %s, %s\n' "$at" "${entry#?}" >>journal
