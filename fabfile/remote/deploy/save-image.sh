#!/usr/bin/env bash
# Lay an image out in a folder, and print the list of what it consists of.
# Arguments: SCRATCH REFERENCE.
set -eu
set -o pipefail
scratch=$1 reference=$2
umask 077
mkdir -p "${scratch%/*}"
mkdir "$scratch"
mkdir "$scratch/image"
docker save "$reference" | tar -xf - -C "$scratch/image" || { rm -rf "$scratch"; exit 1; }
cat "$scratch/image/manifest.json"
