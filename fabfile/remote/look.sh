#!/usr/bin/env bash
# Everything a decision needs to know of a server, in one round trip and without changing it.
# Arguments: CHECKOUT ROOT REPOSITORY REF STACK MARK DEADLINE. An empty REF leaves the commit out.
# A REF "@local:NAME" is looked up in the checkout's own repository, without asking the remote one.
# Sections are "MARK name" lines; what follows belongs to that name until the next one.
# The commit is fetched into a scratch repository that borrows the checkout's objects and is gone
# at the end: neither the checkout nor the state of the server is written.
# What the engine and compose are asked is asked side by side: "ask NAME COMMAND" begins, "answer NAME" prints what it
# says until its end. No file is between them: on a full disk an answer would look like none.
set -u
checkout=$1 root=$2 repository=$3 ref=$4 stack=$5 mark=$6 deadline=$7
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -oBatchMode=yes -oStrictHostKeyChecking=yes'
# Paths as they are: a quoted one would be below no build context, and its change never deployed.
export GIT_OPTIONAL_LOCKS=0 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.quotePath GIT_CONFIG_VALUE_0=false
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wishwithme-look.XXXXXXXX") || exit 73
trap 'rm -rf "$scratch"' EXIT
section() { printf '\n%s %s\n' "$mark" "$1"; }
declare -A asked
ask() {
  local name=$1 descriptor
  shift
  exec {descriptor}< <("$@" 2>/dev/null </dev/null)
  asked[$name]=$descriptor
}
answer() { section "$1"; cat <&"${asked[$1]}"; }

# containers: those that there are, then what the proxy answers: not what its file says, a reload that failed has loaded
# nothing. The proxy is the container that mounts our folder of proxy files.
containers() {
  local all seen='' address=''
  all=$(docker ps -aq 2>/dev/null)
  # No environment: it holds secrets. A container that went meanwhile is no error; anything else must not be read as
  # "nothing there".
  # shellcheck disable=SC2016,SC2086
  [ -z "$all" ] || seen=$({
    docker inspect --format '{"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Image}},"state":{{json .State.Status}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}},"started":{{json .State.StartedAt}},"exit":{{json .State.ExitCode}},"restarts":{{json .RestartCount}},"labels":{{json .Config.Labels}},"networks":{{json .NetworkSettings.Networks}},"ports":{{json .HostConfig.PortBindings}}}{{if .State.Running}}{{range .Mounts}}{{if eq .Source "'"$root"'/proxy"}}{{"\n"}}proxy={{range $.NetworkSettings.Networks}}{{.IPAddress}} {{end}}{{end}}{{end}}{{end}}' $all 2>&1 >&3 |
      grep -vi 'no such object' | sed '/^$/d; s/^/error: /'
  } 3>&1)
  case $seen in *$'\nproxy='*) address=${seen#*$'\nproxy='} && read -r address _ <<<"${address%%$'\n'*} 127.0.0.1" ;; esac
  printf '%s\n' "$seen" | grep -v '^proxy='
  section generation
  [ -z "$address" ] || curl -s --noproxy "*" --fail --max-time 2 "http://$address:8090/generation"
  section away
  [ -z "$address" ] || curl -s --noproxy "*" --fail --max-time 2 "http://$address:8090/away"
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
ask docker engine
ask containers containers
ask images docker image ls --no-trunc --format '{{.ID}}|{{.Repository}}|{{.Tag}}|{{.Size}}|{{.Digest}}'
ask networks docker network ls --format '{{.Name}}|{{.Label "com.docker.compose.project"}}'
ask volumes docker volume ls --quiet

section host
printf 'user=%s\nnow=%s\ncpus=%s\n' "$(id -un)" "$(date +%s)" "$(nproc)"
printf 'groups=%s\n' "$(id -Gn)"
if sudo -n true 2>/dev/null; then echo sudo=yes; else echo sudo=no; fi

section folders
for folder in "$checkout" "$checkout/.git" "$root" "$root"/{data,backups,releases,locks,proxy,certs,build} "$root"/data/* \
  "$root"/certs/{trust,fullchain.pem,privkey.pem,trust/ca-bundle.pem}; do
  stat -c '%n|%U|%a|%F' "$folder" 2>/dev/null
done
section env_stat
stat -c '%U|%a' "$checkout/.env" 2>/dev/null
section env
cat "$checkout/.env" 2>/dev/null

section certificate
cat "$root/certs/fullchain.pem" 2>/dev/null
section trust
cat "$root/certs/trust/peer.pem" 2>/dev/null

section checkout
if [ -d "$checkout/.git" ]; then
  printf 'head=%s\n' "$(git -C "$checkout" rev-parse -q --verify HEAD 2>/dev/null)"
  git -C "$checkout" status --porcelain --untracked-files=no 2>/dev/null | sed 's/^/edited=/'
fi

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
section releases
# shellcheck disable=SC2012
ls -1d "$root"/releases/*/ 2>/dev/null | tail -n 40 | while IFS= read -r folder; do
  cat "$folder/release.json" 2>/dev/null
done
section backups
# shellcheck disable=SC2012
ls -1 "$root"/backups/db_*.json 2>/dev/null | tail -n 40 | while IFS= read -r file; do cat "$file" 2>/dev/null; done
section crontab
# The block that is ours; the rest is nobody's business.
crontab -l 2>/dev/null | sed -n '/^# BEGIN wishwithme$/,/^# END wishwithme$/p'
section jobs
for file in "$root"/operator/jobs/*; do
  [ -f "$file" ] && printf '%s|%s|%s\n' "${file##*/}" "$(stat -c %Y "$file")" "$(tr '\n' ' ' <"$file")"
done
answered() {
  local name
  for name in docker containers images networks volumes; do answer "$name"; done
  section end
}
[ -n "$ref" ] || { answered; exit 0; }
# compose: by the file of docker's plugin, from the places where docker looks for it: docker itself would start two
# programs more each time, and these questions are none to the engine.
compose=(docker compose)
for file in "${DOCKER_CONFIG:-$HOME/.docker}" /usr/local/lib{,exec}/docker /usr/lib{,exec}/docker; do
  [ -x "$file/cli-plugins/docker-compose" ] && { compose=("$file/cli-plugins/docker-compose"); break; }
done
effective() {
  local key
  {
    printf 'name: reading\nservices:\n  reading:\n    image: none\n    environment:\n      A: a\n'
    # shellcheck disable=SC2016 # compose is to expand it, not this shell
    sed -n 's/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}\([A-Za-z_][A-Za-z0-9_]*\)=.*/\2/p' "$checkout/.env" 2>/dev/null |
      sort -u | while IFS= read -r key; do printf '      %s: "${%s-}"\n' "$key" "$key"; done
  } >"$scratch/reading.yml"
  clean "${compose[@]}" --project-directory "$scratch" --env-file "$checkout/.env" -f "$scratch/reading.yml" config --format json
}
ask effective effective
export GIT_DIR=$scratch/git
section commit
git init -q --bare "$GIT_DIR" || exit 73
if [ -d "$checkout/.git/objects" ]; then
  printf '%s\n' "$checkout/.git/objects" >"$GIT_DIR/objects/info/alternates"
fi
if [ "${ref#@local:}" != "$ref" ]; then
  name=${ref#@local:}
  ref=$(git --git-dir "$checkout/.git" rev-parse -q --verify "$name^{commit}" 2>/dev/null) || ref=$name
elif ! timeout -k 5 "$deadline" git fetch -q --no-tags "$repository" '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' 2>"$scratch/err" </dev/null; then
  printf 'error=%s\n' "$(tr '\n' ' ' <"$scratch/err")"
  answered
  exit 0
fi
commit=''
for name in "refs/heads/$ref" "refs/tags/$ref" "$ref"; do
  commit=$(git rev-parse -q --verify "$name^{commit}" 2>/dev/null) && break
done
if [ -z "$commit" ]; then
  printf 'unknown=%s\n' "$ref"
  answered
  exit 0
fi
printf 'commit=%s\nsubject=%s\n' "$commit" "$(git log -1 --format=%s "$commit")"
section tree
git ls-tree -rtz "$commit" # names as they are: none is quoted
section example
git cat-file -p "$commit:.env.example" 2>/dev/null
section log
git log -z --max-count=200 --format='%x1e%H %s' --name-only "$commit"
# What compose reads beside the stack (env_file, extends, include) is the commit's: it resolves the stack in a picture of
# this server's files in which the checkout stands as the commit will leave it, with what git does not track there.
picture=$scratch/root tree=$scratch/root$checkout
mkdir -p "$tree"
beside() {
  local at=$checkout up path
  while [ "$at" != / ]; do
    up=$(dirname "$at")
    find "$up" -mindepth 1 -maxdepth 1 ! -path "$at" -exec ln -s -t "$picture$up" {} + 2>/dev/null
    at=$up
  done
  { env -u GIT_DIR git -C "$checkout" ls-files -z --others --directory || find "$checkout" -mindepth 1 -maxdepth 1 -printf '%P\0'; } 2>/dev/null |
    while IFS= read -rd '' path; do
      path=${path%/}
      [ -e "$tree/$path" ] || [ -L "$tree/$path" ] || { mkdir -p "$(dirname "$tree/$path")" && ln -s "$checkout/$path" "$tree/$path"; }
    done
}
# As a checkout hands the files over, but no filter (LFS) runs: a build would get what stands in git.
plain() { GIT_INDEX_FILE=$scratch/index GIT_WORK_TREE=$tree GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -c core.bare=false "$@"; }
plain read-tree "$commit"
plain checkout-index -aq --prefix="$tree/"
beside
section filtered
plain ls-files -z | plain check-attr --cached -z --stdin filter |
  while IFS= read -rd '' path && IFS= read -rd '' _ && IFS= read -rd '' name; do
    case $name in unspecified | unset) ;; *) printf '%s\0' "$path" ;; esac
  done
wanted() {
  local folder=$1
  shift
  clean timeout -k 5 "$deadline" "${compose[@]}" --project-directory "$folder/$(dirname "$stack")" --env-file "$checkout/.env" "$@"
}
as_it_will_be() { sed "s#$picture/#/#g; s#$picture#/#g"; }
resolved=$(set -o pipefail; wanted "$tree" -f "$tree/$stack" config --format json 2>"$scratch/refused" </dev/null | as_it_will_be) ||
  resolved="error: $(as_it_will_be <"$scratch/refused" | tr '\n' ' ')"
section resolved
printf '%s' "$resolved"
# Of what was resolved: compose before 2.30 takes another digest of a service with an env_file than up writes on its container.
section hashes
case $resolved in 'error: '*) ;; *) wanted "$checkout" -f - config --hash '*' 2>/dev/null <<<"$resolved" ;; esac
answer effective
answered
