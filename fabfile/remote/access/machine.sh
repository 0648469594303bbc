#!/usr/bin/env bash
# shellcheck disable=SC1091 # os-release is the host's
# What a host has of what a server needs, in one round trip and without changing it. python.sh stands before this.
# Arguments: MARK USER CHECKOUT ROOT REPOSITORY BRANCH FORGE PROGRAM…
# FORGE: host that the repository is asked at over SSH; empty: another way. Whoever logs in is root or may use sudo.
# Exit codes: 77 neither. Sections are as in look.sh.
set -u
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "$(id -u)" != 0 ]; then
  sudo -n true 2>/dev/null || exit 77
  exec sudo -n env SSH_CONNECTION="${SSH_CONNECTION-}" bash -c "$BASH_EXECUTION_STRING" "$0" "$@"
fi
port=${SSH_CONNECTION-}
mark=$1 user=$2 checkout=$3 root=$4 repository=$5 branch=$6 forge=$7
shift 7
section() { printf '\n%s %s\n' "$mark" "$1"; }
# as_user COMMAND…: what the user that deploys would get; with a deadline, since some of it asks the network.
as_user() { timeout -k 5 30 runuser -u "$user" -- env -i HOME="$home" USER="$user" PATH="$PATH" LC_ALL=C "$@" </dev/null; }
home=$(getent passwd "$user" | cut -d : -f 6)
section host
(. /etc/os-release && printf 'system=%s %s\n' "$ID" "${VERSION_ID-}")
printf 'engine=%s\n' "$(timeout -k 5 20 docker version --format '{{.Server.Version}}' 2>/dev/null)"
printf 'compose=%s\n' "$(docker compose version --short 2>/dev/null)"
# Of what is installed, madison says nothing: only of what a source has.
[ -z "$(apt-cache madison docker-compose-plugin 2>/dev/null)" ] || echo docker_apt=yes
printf 'containers=%s\n' "$(timeout -k 5 20 docker ps -q 2>/dev/null | wc -l)"
# Debian's cron writes it, however it was started.
if kill -0 "$(cat /run/crond.pid 2>/dev/null)" 2>/dev/null; then echo cron=yes; fi
printf 'home=%s\n' "$home"
[ -z "$home" ] || printf 'groups=%s\n' "$(id -Gn "$user")"
if [ -n "$home" ] && as_user sudo -n true 2>/dev/null; then echo sudo=yes; fi
if [ -n "$home" ] && [ -n "$forge" ] && as_user ssh-keygen -F "$forge" >/dev/null 2>&1; then echo forge=yes; fi
printf 'memory=%s\nswap=%s\n' "$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)" "$(awk 'NR > 1 { sum += $3 } END { print sum + 0 }' /proc/swaps)"
printf 'port=%s\n' "${port##* }"
if command -v unattended-upgrade >/dev/null && [ "$(apt-config dump |
  grep -c -e '^APT::Periodic::Unattended-Upgrade "[1-9]' -e '^Unattended-Upgrade::Package-Blacklist:: "docker";$')" = 2 ]; then
  echo upgrades=yes
fi
# In a container the clock is the host's.
if [ -d /run/systemd/system ] && ! systemd-detect-virt -qc; then
  if systemctl -q is-active systemd-timesyncd chrony ntp ntpd ntpsec openntpd; then echo clock=yes; else echo clock=no; fi
fi
if ufw status 2>/dev/null | grep -q '^Status: active'; then echo ufw=yes; fi
[ ! -p /run/wishwithme-kept ] || echo pending=yes # bootstrap.sh will undo what it did last
section sshd
sshd -T 2>/dev/null
section firewall
nft list table inet wishwithme >/dev/null 2>&1 && cat /etc/wishwithme-firewall.nft 2>/dev/null
section there
for program in "$@"; do ! command -v "$program" >/dev/null || printf '%s\n' "$program"; done
[ ! -s /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
find_python >/dev/null && echo python
[ ! -e /usr/lib/systemd/systemd-timesyncd ] || echo timesyncd
section packages
# Also those that an interrupted run left half installed.
dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'docker*' 'containerd*' runc podman-docker 2>/dev/null |
  sed -n '/^not-installed /d; /^config-files /d; s/^[^ ]* //p'
section daemon
cat /etc/docker/daemon.json 2>/dev/null
section keys
[ -z "$home" ] || cat "$home/.ssh/authorized_keys" 2>/dev/null
section folders
stat --printf '%a|%F|%U|%n\n' "$checkout" "$root" 2>/dev/null
section deploy_key
[ -z "$home" ] || cat "$home"/.ssh/id_{ed25519,ecdsa,rsa}.pub 2>/dev/null | head -n 1
section repository
if [ -n "$home" ] && command -v git >/dev/null; then
  if said=$(as_user GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=10' \
    git ls-remote -q "$repository" "refs/heads/$branch" 2>&1 >/dev/null); then
    echo yes
  else
    printf '%s\n' "${said:-no answer}" | tail -n 1
  fi
fi
section end
