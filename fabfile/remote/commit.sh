#!/usr/bin/env bash
# shellcheck disable=SC2154 # it follows look.sh, which has its arguments and what it calls
# What a commit wants of the server: its files, its log, and the stack that compose makes of it with this server's .env.
# The commit is fetched into a scratch repository that borrows the checkout's objects and is gone
# at the end: neither the checkout nor the state of the server is written.
# compose: by the file of docker's plugin, from the places where docker looks for it: docker itself would start two
# programs more each time, and these questions are none to the engine.
compose=(docker compose)
for file in "${DOCKER_CONFIG:-$HOME/.docker}" /usr/local/lib{,exec}/docker /usr/lib{,exec}/docker; do
  [ -x "$file/cli-plugins/docker-compose" ] && { compose=("$file/cli-plugins/docker-compose"); break; }
done
effective() {
  local key
  {
    printf 'name: reading\nservices:\n  reading:\n    image: none\n    environment:\n      "0": none of a file\n'
    # shellcheck disable=SC2016 # compose is to expand it, not this shell
    sed -nE 's/^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*[=:].*/\2/p' "$checkout/.env" 2>/dev/null |
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
  [ ! -s "$checkout/.git/shallow" ] || cp "$checkout/.git/shallow" "$GIT_DIR/shallow"
fi
if [ "${ref#@local:}" != "$ref" ]; then
  name=${ref#@local:}
  ref=$(git --git-dir "$checkout/.git" rev-parse -q --verify "$name^{commit}" 2>/dev/null) || ref=$name
elif ! fetched "$deadline" "$longest" "$scratch" "$repository" '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' 2>"$scratch/err"; then
  printf 'error %s\n' "$(tr -d '\0' <"$scratch/err")"
  answered
  exit 0
fi
# A whole id is that commit and no branch or tag of such a name. Any other name may be a branch, a tag, the whole name of a
# ref or the start of an id, and must not be several of them.
is() { git rev-parse -q --verify "$1^{commit}" 2>/dev/null; }
begins() {
  [[ $ref =~ ^[0-9a-f]{4,}$ ]] && git rev-parse --disambiguate="$ref" 2>/dev/null |
    git cat-file --batch-check='%(objecttype) %(objectname)' 2>/dev/null | sed -n 's/^commit //p'
}
if [[ ${ref,,} =~ ^([0-9a-f]{40}|[0-9a-f]{64})$ ]]; then
  found=$(is "$ref")
  [ "$found" = "${ref,,}" ] || found=''
else
  found=$({ is "refs/heads/$ref"; is "refs/tags/$ref"; [[ $ref != refs/* ]] || is "$ref"; begins; } | sort -u)
fi
case $found in
  '') printf 'unknown %s\n' "$ref" ;;
  *$'\n'*) printf 'ambiguous %s\n' "$found" ;;
  *) printf 'commit %s\n' "$found" ;;
esac
[ "${#found}" -eq 40 ] || [ "${#found}" -eq 64 ] || { answered; exit 0; }
commit=$found
section contains
# Whether the commit that the checkout stands on is this one or came before it.
git merge-base --is-ancestor "$(git --git-dir "$checkout/.git" rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null)" "$commit" 2>/dev/null && echo head
section tree
git ls-tree -rtz "$commit" # names as they are: none is quoted
section blocked
# Also where it has a file and a folder stands that git would have to take away.
git ls-tree -rdz --name-only "$commit" | unwritable
git ls-tree -rz --name-only "$commit" | while IFS= read -rd '' path; do
  path=$checkout/$path
  [ ! -d "$path" ] || [ -L "$path" ] || find "$path" -type d ! -writable -print0 2>/dev/null
done
section example
git cat-file -p "$commit:.env.example" 2>/dev/null
section author
git log -1 --format=%an "$commit"
section log
git log -z --max-count=200 --format='%x00%H%x00%s' --name-only "$commit"
# What compose reads beside the stack (env_file, extends, include) is the commit's: it resolves the stack in a picture of
# this server's files in which the checkout stands as the commit will leave it, with what git does not track there.
picture=$scratch/root tree=$scratch/root$checkout
mkdir -p "$tree"
beside() {
  local at=$checkout home path up
  while [ "$at" != / ]; do
    up=$(dirname "$at")
    find "$up" -mindepth 1 -maxdepth 1 ! -path "$at" -exec ln -s -t "$picture$up" {} + 2>/dev/null
    at=$up
  done
  home=$(realpath "$tree")
  { env -u GIT_DIR git -C "$checkout" ls-files -z --others --directory || find "$checkout" -mindepth 1 -maxdepth 1 -printf '%P\0'; } 2>/dev/null |
    while IFS= read -rd '' path; do
      path=${path%/}
      at=$tree/$path
      up=${at%/*}
      # Below a link of the commit it would be written to where that leads, on the server itself.
      [ "$(realpath -m "$up")" = "$home${up#"$tree"}" ] || continue
      [ -e "$at" ] || [ -L "$at" ] || { mkdir -p "$up" && ln -s "$checkout/$path" "$at"; }
    done
}
# As a checkout hands the files over, but no filter (LFS) runs: a build would get what stands in git.
plain() {
  GIT_INDEX_FILE=$scratch/index GIT_WORK_TREE=$tree GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
    git -c core.bare=false -c core.attributesFile=/dev/null "$@"
}
resolved=''
size=$(git ls-tree -rl "$commit" | awk '{ blocks += int(($4 + 4095) / 4096) } END { printf "%.0f", blocks / 256 }')
said=$({ room "$scratch" "$size" && plain read-tree "$commit" && plain checkout-index -aq --prefix="$tree/"; } 2>&1) ||
  resolved="unread: ${said//$'\n'/ }"
beside
section filtered
plain ls-files -z | plain check-attr --cached -z --stdin filter |
  while IFS= read -rd '' path && IFS= read -rd '' _ && IFS= read -rd '' name; do
    case $name in unspecified | unset) ;; *) printf '%s\0' "$path" ;; esac
  done
# Before the first deploy of a stack that needs none there is no .env.
settings=$checkout/.env
[ -e "$settings" ] || settings=/dev/null
wanted() {
  local folder=$1
  shift
  clean timeout -k 5 "$deadline" "${compose[@]}" --project-directory "$folder/$(dirname "${stacks%%:*}")" --env-file "$settings" "$@"
}
files=()
IFS=: read -ra names <<<"$stacks"
for name in "${names[@]}"; do files+=(-f "$tree/$name"); done
as_it_will_be() { sed "s#$picture/#/#g; s#$picture#/#g"; }
[ -n "$resolved" ] || resolved=$(set -o pipefail; wanted "$tree" "${files[@]}" config --format json 2>"$scratch/refused" </dev/null | as_it_will_be) ||
  resolved="error: $(as_it_will_be <"$scratch/refused" | tr '\n' ' ')"
section resolved
printf '%s' "$resolved"
section unset
sed -n 's/.*The \\\{0,1\}"\([A-Za-z0-9_]*\)\\\{0,1\}" variable is not set.*/\1/p' "$scratch/refused" 2>/dev/null | sort -u
# Of what was resolved: compose before 2.30 takes another digest of a service with an env_file than up writes on its container.
section hashes
case $resolved in 'error: '* | 'unread: '*) ;; *) wanted "$checkout" -f - config --hash '*' 2>/dev/null <<<"$resolved" ;; esac
answer effective
answered
