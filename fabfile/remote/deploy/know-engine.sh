#!/usr/bin/env bash
# What a machine says of itself where images are built or arrive: KEY=VALUE lines (model/deploy/elsewhere.py).
# Argument: "layers" to list those of its images too. For bash of any age and the tools of macOS.
wanted=$1
for program in docker gzip openssl tar timeout; do
  command -v "$program" >/dev/null 2>&1 || printf 'missing=%s\n' "$program"
done
! command -v zstd >/dev/null 2>&1 || echo zstd=yes
printf 'cache=%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}"
if said=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}' 2>&1); then
  printf 'platform=%s\n' "$said"
else
  printf 'error=%s\n' "$(printf '%s' "$said" | tail -n 1)"
fi
printf 'compose=%s\n' "$(docker compose version --short 2>/dev/null)"
printf 'platforms=%s\n' "$(docker buildx inspect 2>/dev/null | sed -n 's/^Platforms: *//p' | head -n 1)"
# shellcheck disable=SC2016
! docker info --format '{{json .DriverStatus}}' 2>/dev/null | grep -q 'io\.containerd\.snapshotter' || echo containerd=yes
[ -n "$wanted" ] || exit 0
docker image ls -q --no-trunc | sort -u | xargs docker image inspect --format 'layers={{json .RootFS.Layers}}' 2>/dev/null
exit 0
