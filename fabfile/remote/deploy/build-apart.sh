#!/usr/bin/env bash
# Build one image from a tree that comes by standard input, and leave nothing but the image.
# Arguments: SCRATCH SIZE SERVICE FLAG…. The input is the stack (SIZE bytes), then the tree as tar.gz.
set -eu
set -o pipefail
scratch=$1 size=$2 service=$3
shift 3
umask 077
mkdir -p "${scratch%/*}"
# What runs that were killed have left; nothing here takes a day.
find "${scratch%/*}" -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -rf {} +
mkdir "$scratch"
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tree"
dd bs=1 count="$size" >"$scratch/stack.json" 2>/dev/null # it reads no byte more, as head does somewhere
tar -xzpf - -C "$scratch/tree"
clean docker compose --project-directory "$scratch/tree" --env-file /dev/null -f "$scratch/stack.json" \
  build "$@" "$service" </dev/null
