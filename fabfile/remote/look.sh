#!/usr/bin/env bash
# shellcheck disable=SC2034 # commit.sh follows this one
# What is on a server, in one round trip and without changing it.
# Arguments: CHECKOUT ROOT REPOSITORY REF STACKS MARK DEADLINE LONGEST. commit.sh follows, or "answered" where no REF is given.
# STACKS: the stack's files, with colons between them; the last one has the last word.
# DEADLINE: seconds that the engine, compose and the remote repository may keep still; LONGEST: that a fetch may take.
# A REF "@local:NAME" is looked up in the checkout's own repository, without asking the remote one.
# Sections are "MARK name" lines; what follows belongs to that name until the next one. Others write much of it: commits,
# names of files and networks, records, a git server's errors. None knows MARK. Within a section our own words come
# first, and what others wrote is one line of JSON, or ends with NUL, or is the rest of the section.
# What the engine and compose are asked is asked side by side: "ask NAME COMMAND" begins, "answer NAME" prints what it
# says until its end. No file is between them: on a full disk an answer would look like none.
set -u
checkout=$1 root=$2 repository=$3 ref=$4 stacks=$5 stack=${5##*:} mark=$6 deadline=$7 longest=$8
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -oBatchMode=yes -oStrictHostKeyChecking=yes'
# Paths as they are: a quoted one would be below no build context, and its change never deployed.
export GIT_OPTIONAL_LOCKS=0 GIT_CONFIG_COUNT=4 GIT_CONFIG_KEY_0=core.quotePath GIT_CONFIG_VALUE_0=false
export GIT_CONFIG_KEY_1=log.showSignature GIT_CONFIG_VALUE_1=false # it would print between our fields
export GIT_CONFIG_KEY_2=core.warnAmbiguousRefs GIT_CONFIG_VALUE_2=false # what is ambiguous is told by us
# As a pack: what the checkout has already would be noted there as wanted, if it came by itself.
export GIT_CONFIG_KEY_3=fetch.unpackLimit GIT_CONFIG_VALUE_3=1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wishwithme-look.XXXXXXXX") || exit 73
trap 'rm -rf "$scratch"' EXIT
section() { printf '\n%s %s\n' "$mark" "$1"; }
declare -A asked
ask() {
  local name=$1 descriptor
  shift
  exec {descriptor}< <(exec 2>/dev/null && "$@" </dev/null)
  asked[$name]=$descriptor
}
# An engine that hangs must not look like one that has nothing.
answer() { section "$1"; timeout -k 5 "$deadline" cat <&"${asked[$1]}" || exit 74; }
# entry FIELD… FILE: the fields and the file's text, a NUL behind each; nothing can hold another one.
entry() {
  printf '%s\0' "${@:1:$#-1}"
  tr -d '\0' 2>/dev/null <"${@: -1}"
  printf '\0'
}

# containers: those that there are, then what the proxy answers: not what its file says, a reload that failed has loaded
# nothing. The proxy is the container that mounts our folder of proxy files.
containers() {
  local all seen='' address=''
  all=$(docker ps -aq 2>/dev/null)
  # No environment: it holds secrets. A container that went meanwhile is no error; anything else must not be read as
  # "nothing there".
  # shellcheck disable=SC2016,SC2086
  [ -z "$all" ] || seen=$({
    docker inspect --format '{"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Image}},"state":{{json .State.Status}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}},"started":{{json .State.StartedAt}},"exit":{{json .State.ExitCode}},"restarts":{{json .RestartCount}},"limit":{{json .HostConfig.Memory}},"labels":{{json .Config.Labels}},"networks":{{json .NetworkSettings.Networks}},"ports":{{json .HostConfig.PortBindings}},"mounts":[{{range $i, $m := .Mounts}}{{if $i}},{{end}}[{{json $m.Name}},{{json $m.Source}},{{json $m.RW}}]{{end}}]}{{if .State.Running}}{{range .Mounts}}{{if eq .Source "'"$root"'/proxy"}}{{"\n"}}proxy={{range $.NetworkSettings.Networks}}{{.IPAddress}} {{end}}{{end}}{{end}}{{end}}' $all 2>&1 >&3 |
      grep -vi 'no such object' | sed '/^$/d; s/^/error: /'
  } 3>&1)
  case $seen in *$'\nproxy='*) address=${seen#*$'\nproxy='} && read -r address _ <<<"${address%%$'\n'*} 127.0.0.1" ;; esac
  printf '%s\n' "$seen" | grep -v '^proxy='
  section generation
  [ -z "$address" ] || curl -s --noproxy "*" --fail --max-time 2 "http://$address:8090/generation"
  section pinned
  [ -z "$address" ] || curl -s --noproxy "*" --fail --max-time 2 "http://$address:8090/pinned"
}
nearest() { local at=$1; until [ -e "$at" ]; do at=$(dirname "$at"); done; printf '%s' "$at"; }
# engine: its version, or what is wrong with it; that of compose, which docker knows as its plugin; the disks that matter.
engine() {
  local key value version='' plugin='' storage=/ said=''
  docker info --format '{{printf "engine=%s\nstorage=%s\ncompose=" .ServerVersion .DockerRootDir}}{{range .ClientInfo.Plugins}}{{if eq .Name "compose"}}{{.Version}}{{end}}{{end}}' 2>&1 | {
    while IFS='=' read -r key value; do
      case $key in
        engine) version=$value ;;
        storage) storage=${value:-/} ;;
        compose) plugin=${value#v} ;;
        *) said+="${said:+ }$key${value:+=$value}" ;;
      esac
    done
    printf '%s' "${version:-error: $said}"
    section compose_version
    printf '%s' "$plugin"
    section disk
    for key in "$root" "$checkout" "$storage"; do df -PB1 "$(nearest "$key")" | tail -n 1; done
  }
}
# reach: the subnets of compose projects, and the rules of the firewall that close them to local users (guard.sh).
reach() {
  local program
  docker network ls -q --filter label=com.docker.compose.project | xargs -r docker network inspect --format \
    '{{range .IPAM.Config}}{{printf "subnet=%s|%s\n" (index $.Labels "com.docker.compose.project") .Subnet}}{{end}}'
  for program in iptables ip6tables; do
    sudo -n "$program" -w 5 -S | sed -n 's/^-P OUTPUT .*/rules=yes/p; s/^-A OUTPUT -j \(.*-guard\)$/hook=\1/p
      s/^-A \(.*-guard\) -d \([^ ]*\) -j REJECT.*/closed=\1|\2/p'
  done
}
ask docker engine
ask containers containers
ask images docker image ls --digests --no-trunc --format '[{{json .ID}},{{json .Repository}},{{json .Tag}},{{json .Size}},{{json .Digest}}]'
ask networks docker network ls --format '[{{json .Name}},{{json (.Label "com.docker.compose.project")}}]'
ask volumes docker volume ls --format '[{{json .Name}},{{json (.Label "com.docker.compose.project")}}]'
ask reach reach

section host
printf 'user=%s\nnow=%s\ncpus=%s\n' "$(id -un)" "$(date +%s)" "$(nproc)"
printf 'groups=%s\n' "$(id -Gn)"
read -r _ version _ < <(curl -q --version 2>/dev/null) && printf 'curl=%s\n' "$version"
if sudo -n true 2>/dev/null; then echo sudo=yes; else echo sudo=no; fi

section memory
grep '^MemAvailable:' /proc/meminfo 2>/dev/null
# What containers have of their own: cgroup v1 has a hierarchy for memory, v2 one for all.
cgroups=/sys/fs/cgroup
[ ! -d "$cgroups/memory" ] || cgroups=$cgroups/memory
# shellcheck disable=SC2016 # awk is to expand them, not this shell
find "$cgroups" -regextype posix-extended -regex '.*[/-][0-9a-f]{64}(\.scope)?/memory\.stat' -print0 2>/dev/null |
  xargs -0r awk '$1 == "anon" || $1 == "total_rss" { print FILENAME, $2 }' 2>/dev/null
section folders
stat --printf '%a|%F|%U|%n\0' "$checkout" "$checkout/.git" "$root" "$root"/{data,backups,releases,locks,proxy,certs,build} \
  "$root"/data/* "$root"/certs/{trust,fullchain.pem,privkey.pem,trust/ca-bundle.pem} 2>/dev/null
section env_stat
stat -c '%U|%a' "$checkout/.env" 2>/dev/null
# Before all that others write: from here on it is known what must not be shown.
section example_here
cat "$checkout/.env.example" 2>/dev/null
section env
cat "$checkout/.env" 2>/dev/null

section certificate
cat "$root/certs/fullchain.pem" 2>/dev/null
section trust
cat "$root/certs/trust/peer.pem" 2>/dev/null

section head
[ ! -d "$checkout/.git" ] || git -C "$checkout" rev-parse -q --verify HEAD 2>/dev/null
# extended: whether the stack's file is the commit's but for what a deploy adds meanwhile.
extended() {
  grep -Fqx -e "$MEANWHILE" "$checkout/$stack" 2>/dev/null &&
    [ "$(own "$checkout/$stack" | git hash-object --stdin)" = "$(git -C "$checkout" rev-parse -q --verify "HEAD:$stack")" ]
}
section edited
[ ! -d "$checkout/.git" ] || git -C "$checkout" status --porcelain -z --untracked-files=no 2>/dev/null |
  while IFS= read -rd '' path; do [ "$path" = " M $stack" ] && extended || printf '%s\0' "$path"; done
section meanwhile
! extended || echo yes

# clone: what keeps git from working in the checkout, each a kind and what it is about. Of its folders those of tracked
# files: what else is there is nobody's of git.
unwritable() { while IFS= read -rd '' path; do [ ! -d "$checkout/$path" ] || [ -w "$checkout/$path" ] || printf '%s\0' "$checkout/$path"; done; }
clone() {
  local at=$checkout/.git path process
  [ -e "$at" ] || return 0
  [ -d "$at" ] || { printf 'linked\0%s\0' "$at" && return; }
  [ ! -s "$at/shallow" ] || printf 'shallow\0\0'
  [ -z "$(git -C "$checkout" config --get-regexp '^remote\..*\.promisor$')" ] || printf 'partial\0\0'
  {
    find "$at" \( -type d -o -path "$at/logs/*" -o -name FETCH_HEAD \) ! -writable -print0
    git -C "$checkout" ls-tree -rdz --name-only HEAD | unwritable
  } | while IFS= read -rd '' path; do printf 'unwritable\0%s\0' "$path"; done
  find "$at" -name '*.lock' -type f -print0 | while IFS= read -rd '' path; do printf 'stale\0%s\0' "$path"; done
  [ -z "$(find "$at" -name '*.lock' -type f -print -quit)" ] || ! process=$(busy "$checkout") || printf 'busy\0%s\0' "$process"
}
section clone
clone 2>/dev/null

section listening
for name in tcp udp; do cat "/proc/net/$name" "/proc/net/${name}6" 2>/dev/null | sed "s/^/$name /"; done
# The kernel's own list tells whether a lock is held: asking by taking it could refuse somebody.
held() { inode=$(stat -c %i "$1" 2>/dev/null) && grep -q "FLOCK .*:$inode " /proc/locks; }
section holder
held "$root/locks" && cat "$root/locks/holder" 2>/dev/null
section lingering
if ! held "$root/locks" && held "$root/locks/step"; then
  cat "$root/locks/holder" 2>/dev/null || cat "$root/locks/died" 2>/dev/null || echo 'somebody without a name'
fi
section frozen
cat "$root/locks/frozen" 2>/dev/null
section maintenance
cat "$root/locks/maintenance" 2>/dev/null
section releases
# The last forty, and of all those that passed the last ten deploys and the last ten of any kind: what fails again and
# again must not push out what can be gone back to. Names sort by time, and a folder of another name holds no record.
passed() { grep -lE '"outcome":"(verified|accepted|started)"' "$root"/releases/*/release.json 2>/dev/null; }
deploys() { passed | tr '\n' '\0' | xargs -0r grep -lF '"back_to":""' 2>/dev/null; }
{
  printf '%s\n' "$root"/releases/*/release.json | tail -n 40
  passed | tail -n 10
  deploys | tail -n 10
} | sort -u | while IFS= read -r file; do
  name=${file%/release.json}
  [ ! -f "$file" ] || entry "${name##*/}" "$file"
done
section backups
files=("$root"/backups/db_*.json)
for file in "${files[@]:${#files[@]} > 40 ? ${#files[@]} - 40 : 0}"; do
  [ ! -f "$file" ] || entry "${file##*/}" "$file"
done
section crontab
# The blocks that are ours or another root's; the rest is nobody's business.
printf '%s\n' "$root"
crontab -l 2>/dev/null | sed -n '/^# BEGIN wishwithme$/,/^# END wishwithme$/p'
section installed
cat "$root/operator/crontab" 2>/dev/null
section cron
# Of our own processes only: a container may run one of its own. Where /proc hides those of root, nobody can say. cron.target
# is that of systemd-cron, which has no daemon.
if cat /proc/[0-9]*/status 2>/dev/null |
  awk '$1 == "Name:" { name = $2 } $1 == "NSpid:" && NF == 2 && name ~ /^(f?cron|crond|bcron-sched)$/ { found = 1 } END { exit !found }' ||
  systemctl is-active --quiet cron.target 2>/dev/null; then
  echo yes
elif [ -r /proc/1/status ]; then
  echo no
fi
section jobs
for file in "$root"/operator/jobs/*; do
  [ ! -f "$file" ] || entry "${file##*/}" "$(stat -c %Y "$file")" "$file"
done
answered() {
  local name
  for name in docker containers images networks volumes reach; do answer "$name"; done
  section end
}
