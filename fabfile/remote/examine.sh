#!/usr/bin/env bash
# shellcheck disable=SC2154 # it follows look.sh, which has its arguments and what it calls
# What fab doctor asks of a server besides what every look asks. Nothing is changed.
# kind: the engine's security options and whether it lets containers live; of a user of it alone nobody can say more.
kind() { docker info --format '{{.SecurityOptions}} {{.LiveRestoreEnabled}}'; }
network_mtu() {
  docker network ls -q --filter driver=bridge | xargs -r docker network inspect --format \
    '{{if ne .Name "bridge"}}[{{json .Name}},{{with index .Options "com.docker.network.driver.mtu"}}{{json .}}{{else}}""{{end}}]{{end}}' | sed '/^$/d'
}
# made: of the images that run, when they were made.
made() {
  docker ps -q | xargs -r docker inspect --format '{{.Image}}' | sort -u |
    xargs -r docker image inspect --format '[{{json .Id}},{{json .Created}}]'
}
ask kind kind
ask network_mtu network_mtu
ask made made
# sessions: as sshd itself reads its configuration for who logs in here, else as its files can be read.
sessions() {
  local from=${SSH_CONNECTION:-127.0.0.1}
  sudo -n /usr/sbin/sshd -T -C "user=$(id -un),host=,addr=${from%% *}" 2>/dev/null | sed -n 's/^maxsessions //p' | grep . ||
    sed -n 's/^[[:space:]]*[Mm]ax[Ss]essions[[:space:]=]*\([0-9]*\).*/\1/p' /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config 2>/dev/null | head -n 1
}
section examined
printf 'shell=%s\n' "$(getent passwd "$(id -un)" | cut -d: -f7)"
printf 'sessions=%s\n' "$(sessions)"
printf 'socket=%s\n' "$(stat -Lc %a /var/run/docker.sock 2>/dev/null)"
printf 'memory=%s\n' "$(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo 2>/dev/null)"
device=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route 2>/dev/null)
printf 'device=%s\nmtu=%s\n' "$device" "$(cat "/sys/class/net/${device:-none}/mtu" 2>/dev/null)"
section inodes
for file in "$root" "$checkout"; do df -Pi "$(nearest "$file")" 2>/dev/null | tail -n 1; done
section kept
for file in "$root"/releases/*/env; do
  [ ! -f "$file" ] || { name=${file%/env} && printf '%s\0%s\0' "${name##*/}" "$(stat -c %a "$file")"; }
done
for name in kind network_mtu made; do answer "$name"; done
