#!/usr/bin/env bash
# Keep the users of this server who may not use its engine away from a project's containers. Root, the user that
# deploys and the group of the engine's socket reach them at their addresses; everybody reaches published ports.
# Argument: PROJECT. Writes a program that sets the rules, runs it, and has cron run it after each start of the
# server: before the engine answers, since it asks it nothing. While the project has no network yet, every network
# that is made is closed; those that are there stay as they are.
# Exit codes: 70 the rules cannot be set (said on standard error). Standard output: what a person should know.
set -uo pipefail
project=$1
export LC_ALL=C
chain=${project:0:20}-guard
program=/usr/local/sbin/$chain
group=$(stat -c %g /var/run/docker.sock 2>/dev/null)
user=$(id -u)
die() { printf '%s\n' "$*" >&2; exit 70; }
subnets() {
  docker network ls -q --filter driver=bridge "$@" |
    xargs -r docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}' | xargs -r printf '%s\n'
}
# rules COMMAND PATTERN: those of one family, whose subnets match the pattern.
rules() {
  printf '%s-restore -w --noflush <<END\n*filter\n:%s - [0:0]\n' "$1" "$chain"
  # Answers and refusals of the kernel itself; answers to what a container asked; what the engine passes on.
  printf -- "-A $chain %s -j RETURN\n" '-m owner ! --socket-exists' '-m conntrack --ctdir REPLY' \
    '-m conntrack --ctstate DNAT' '-m owner --uid-owner 0' "-m owner --uid-owner $user" \
    ${group:+"-m owner --gid-owner $group --suppl-groups"}
  if [ -n "$ours" ]; then
    sed -n "/$2/ s/.*/-A $chain -d & -j REJECT/p" <<<"$ours"
  else
    sed -n "/$2/ s/.*/-A $chain -d & -j RETURN/p" <<<"$others"
    printf -- '-A %s -o br-+ -j REJECT\n' "$chain"
  fi
  printf 'COMMIT\nEND\n%s -w -C OUTPUT -j %s 2>/dev/null || %s -w -I OUTPUT -j %s\n' "$1" "$chain" "$1" "$chain"
}

ours=$(subnets --filter "label=com.docker.compose.project=$project") || die 'the engine does not tell its networks'
others=$(subnets) || die 'the engine does not tell its networks'
{
  printf '#!/bin/sh\n# Written by a deploy of %s: who reaches its containers from this server.\nset -e\n' "$project"
  printf 'PATH=/usr/sbin:/sbin:/usr/bin:/bin\n'
  rules iptables '\.'
  # Where there is no IPv6 there is nothing to close.
  if [ -e /proc/net/if_inet6 ] && sudo -n ip6tables -w -S OUTPUT >/dev/null 2>&1; then rules ip6tables :; fi
} | sudo -n install -m 700 /dev/stdin "$program" || die "$program cannot be written"
said=$(sudo -n "$program" 2>&1) || die "${said##*$'\n'}"
if [ -d /etc/cron.d ]; then
  printf '@reboot root %s\n' "$program" | sudo -n install -m 644 /dev/stdin "/etc/cron.d/$chain" ||
    die "/etc/cron.d/$chain cannot be written"
else
  echo 'no cron: after a reboot, the next deploy sets them again'
fi
