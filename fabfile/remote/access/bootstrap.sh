#!/usr/bin/env bash
# shellcheck disable=SC1091 # os-release is the host's
# One step of making a host a server, as root: whoever logs in else may use sudo. Each can be done again at any time.
# Arguments: ROOT STEP …; the step's own stand at its function. While a deploy changes the server, none begins.
# Exit codes: 75 a deploy is under way; 1 failed, the last lines of the log are on standard error.
set -eu
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
[ "$(id -u)" = 0 ] || exec sudo -n bash -c "$BASH_EXECUTION_STRING" "$0" "$@"
umask 022
log=/var/log/wishwithme-bootstrap.log
# A step goes on when whoever began it is gone: it is waited for.
exec 8>>"$log"
flock --timeout 900 8
if [ -d "$1/locks" ]; then
  exec 9<"$1/locks"
  flock --nonblock 9 || exit 75
fi
step=$2
shift 2

# logged COMMAND…: what it prints goes to a log: a connection that is cut must not end it half way.
logged() {
  printf '\n%s %s\n' "$(date -u +%FT%TZ)" "$*" >>"$log"
  "$@" </dev/null >>"$log" 2>&1 8>&- 9<&- || { tail -n 8 "$log" >&2 && exit 1; }
}
home_of() { getent passwd "$1" | cut -d : -f 6; }
# lines FILE: its lines, each with its end; none where there is no file.
lines() { [ ! -e "$1" ] || awk 1 "$1"; }
# written FILE MODE OWNER: standard input becomes that file, whole or not at all.
written() {
  local new=$1.wishwithme-new
  install -m "$2" -o "$3" -g "$(id -gn "$3")" /dev/null "$new"
  cat >"$new"
  mv -f "$new" "$1"
}
# service_do VERB NAME: by systemd where it has booted the host, else by the service's own script.
service_do() {
  if [ -d /run/systemd/system ]; then logged systemctl "$1" "$2"; else logged service "$2" "$1"; fi
}

# user NAME
user() { logged useradd --create-home --shell /bin/bash "$1"; }

# login-key USER LINE
login-key() {
  local folder
  folder=$(home_of "$1")/.ssh
  [ -d "$folder" ] || install -d -m 700 -o "$1" -g "$(id -gn "$1")" "$folder"
  { lines "$folder/authorized_keys" && printf '%s\n' "$2"; } |
    written "$folder/authorized_keys" 600 "$1"
}

# log-rotation RESTART: standard input is the engine's settings as they are to be.
log-rotation() {
  mkdir -p /etc/docker
  written /etc/docker/daemon.json.wishwithme 644 root
  if dockerd --help 2>/dev/null | grep -q -- --validate; then
    dockerd --validate --config-file /etc/docker/daemon.json.wishwithme >/dev/null
  fi
  mv -f /etc/docker/daemon.json.wishwithme /etc/docker/daemon.json
  [ "$1" = no ] || service_do restart docker
}

# packages NAME…: what an interrupted run left half installed is finished first; none that is there goes.
packages() {
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
  logged dpkg --configure -a
  logged apt-get -q -o DPkg::Lock::Timeout=120 update
  logged apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold \
    install --no-remove --no-install-recommends "$@"
}

# docker-repository FINGERPRINT: Docker's own packages, as its documentation says; its key is believed by its fingerprint.
docker-repository() {
  local at key=/etc/apt/keyrings/docker.asc found
  packages ca-certificates curl gpg
  at=https://download.docker.com/linux/$(. /etc/os-release && echo "$ID")
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  logged curl --fail --silent --show-error --location --retry 3 --max-time 60 -o "$new/key" "$at/gpg"
  found=$(gpg --homedir "$new" --with-colons --show-keys "$new/key" 2>>"$log" |
    awk -F : '$1 == "pub" { one = 1 } $1 == "fpr" && one { print $10; one = 0 }')
  if [ "$found" != "$1" ]; then
    printf 'the key at %s/gpg is not %s: %s\n' "$at" "$1" "${found//$'\n'/ }" >&2
    exit 1
  fi
  install -d -m 755 /etc/apt/keyrings
  written "$key" 644 root <"$new/key"
  written /etc/apt/sources.list.d/docker.sources 644 root <<END
Types: deb
URIs: $at
Suites: $(. /etc/os-release && echo "${UBUNTU_CODENAME:-$VERSION_CODENAME}")
Components: stable
Architectures: $(dpkg --print-architecture)
Signed-By: $key
END
}

# services NAME…
services() {
  local name
  for name; do
    [ ! -d /run/systemd/system ] || logged systemctl enable "$name"
    service_do start "$name"
  done
}

# sudoer USER
sudoer() {
  local new
  new=$(mktemp)
  printf '%s ALL=(ALL) NOPASSWD:ALL\n' "$1" >"$new"
  visudo -qcf "$new"
  # A name with a dot would not be read.
  written "/etc/sudoers.d/wishwithme-${1//./_}" 440 root <"$new"
  rm -f "$new"
}

# group USER
group() { logged usermod --append --groups docker "$1"; }

# folder USER PATH
folder() { install -d -m 700 -o "$1" -g "$(id -gn "$1")" "$2"; }

# deploy-key USER COMMENT
deploy-key() {
  folder "$1" "$(home_of "$1")/.ssh"
  runuser -u "$1" -- ssh-keygen -q -t ed25519 -N '' -C "$2" -f "$(home_of "$1")/.ssh/id_ed25519" </dev/null
}

# forge USER: standard input is the host keys that its SSH is to know.
forge() {
  local at
  at=$(home_of "$1")/.ssh
  folder "$1" "$at"
  { lines "$at/known_hosts" && cat; } | written "$at/known_hosts" 644 "$1"
}

# upgrades: standard input is apt's settings.
upgrades() { written /etc/apt/apt.conf.d/52wishwithme 644 root; }

# clock
clock() { logged systemctl enable --now systemd-timesyncd; }

# swap BYTES
swap() {
  rm -f /swapfile
  install -m 600 /dev/null /swapfile
  fallocate -l "$1" /swapfile
  logged mkswap /swapfile
  logged swapon /swapfile
  grep -q '^/swapfile ' /etc/fstab || printf '/swapfile none swap sw 0 0\n' >>/etc/fstab
}

kept=/run/wishwithme-kept
# unless_kept UNDO: within a minute somebody must have proved that he can still log in, or it is undone.
unless_kept() {
  keep || :
  mkfifo -m 600 "$kept"
  {
    trap '' HUP
    exec 8>&- 9<&- </dev/null >>"$log" 2>&1
    [ "$(timeout 60 cat "$kept")" = kept ] || { "$1" && rm -f "$kept"; }
  } &
}

# keep: what was done last is proved; 1 when that comes too late.
keep() {
  [ -p "$kept" ] || return 1
  timeout 10 tee "$kept" <<<kept >/dev/null
  rm -f "$kept"
}

# undo STEP
undo() {
  "undo-$1"
  keep || :
}

# sshd: standard input is its settings, in a file that it reads before all others.
sshd_own=/etc/ssh/sshd_config.d/00-wishwithme.conf
sshd() {
  mkdir -p "${sshd_own%/*}"
  written "$sshd_own" 644 root
  if ! command sshd -t >&2; then
    rm -f "$sshd_own"
    return 1
  fi
  unless_kept undo-sshd
  service_do reload ssh
}
undo-sshd() {
  rm -f "$sshd_own"
  service_do reload ssh
}

# firewall: standard input is the rules.
firewall_own=/etc/wishwithme-firewall.nft
firewall_unit=/etc/systemd/system/wishwithme-firewall.service
firewall() {
  written "$firewall_own" 755 root
  nft -c -f "$firewall_own"
  unless_kept undo-firewall
  nft -f "$firewall_own"
  if [ -d /run/systemd/system ]; then
    written "$firewall_unit" 644 root <<'END'
[Unit]
Description=Which ports of this server are open
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service
Conflicts=shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/wishwithme-firewall.nft
[Install]
WantedBy=sysinit.target
END
    logged systemctl daemon-reload
    logged systemctl enable --now wishwithme-firewall
  else
    printf '@reboot root /usr/sbin/nft -f %s\n' "$firewall_own" | written /etc/cron.d/wishwithme-firewall 644 root
  fi
}
undo-firewall() {
  nft delete table inet wishwithme || :
  [ ! -e "$firewall_unit" ] || systemctl disable --now wishwithme-firewall
  rm -f "$firewall_own" "$firewall_unit" /etc/cron.d/wishwithme-firewall
}

"$step" "$@"
