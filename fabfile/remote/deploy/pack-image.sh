#!/usr/bin/env bash
# Pack parts of an image that is laid out, and print how many bytes that makes and their SHA-256.
# Arguments: SCRATCH COMPRESSION PART…; no part: all. The same parts make the same bytes: a copy that was cut goes on.
set -eu
set -o pipefail
scratch=$1 compression=$2
shift 2
umask 077
cd "$scratch/image"
if [ $# = 0 ]; then
  while IFS= read -r part; do set -- "$@" "$part"; done <<<"$(find . -type f | LC_ALL=C sort)"
fi
# A layer that stands there twice is a link in older engines' archives.
for part in "$@"; do [ ! -L "$part" ] || { cp "$part" part.tmp && rm "$part" && mv part.tmp "$part"; }; done
touch -t 197001010000 -- "$@"
pack() { if [ "$compression" = zstd ]; then zstd -q -3 -T0; else gzip -n -3; fi; }
tar -cf - -- "$@" | pack >../packed
cd ..
rm -rf image
printf '%s %s\n' "$(wc -c <packed)" "$(openssl dgst -sha256 -r packed)"
