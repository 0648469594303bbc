#!/usr/bin/env bash
# Load an image that has come whole; what came is removed, whatever becomes of it.
# Arguments: FILE.
set -eu
set -o pipefail
trap 'rm -f "$1"' EXIT
unpack() { case $1 in *.zst) zstd -dcq "$1" ;; *) gzip -dc "$1" ;; esac; }
unpack "$1" | docker load -q
