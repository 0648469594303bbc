#!/usr/bin/env bash
# Move the checkout to a commit. Nothing of the server's own is lost: edits of tracked files are kept in
# FOLDER/edited.patch, files that git does not track where the commit has some in FOLDER/untracked.tar, and .env stays.
# Arguments: CHECKOUT COMMIT FOLDER STACK; STACK: the stack's file. Standard output: the name of each file that was made
# in FOLDER.
# Exit codes: 65 the commit tracks .env, 75 git is at work in the checkout (said on standard error): nothing was
# changed; else git's own.
set -euo pipefail
commit=$2 folder=$3 stack=$4
cd "$1"
die() { code=$1; shift; printf '%s\n' "$*" >&2; exit "$code"; }

[ -z "$(git ls-tree "$commit" -- .env)" ] || die 65 "commit ${commit::8} tracks .env, where this server's secrets are"
unlock . || exit # nobody else of ours runs now
umask 077
base=$(git hash-object -t tree /dev/null)
if git rev-parse -q --verify HEAD >/dev/null; then
  base=HEAD
  plain "$stack"
  if ! git diff --quiet --no-ext-diff HEAD --; then
    git diff --binary --full-index --no-color --no-ext-diff --no-textconv --no-renames --src-prefix=a/ --dst-prefix=b/ \
      HEAD -- >"$folder/edited.patch"
    echo edited.patch
  fi
fi

# What stands where the commit adds a file: a file, a folder, or a file or link where the commit has a folder.
declare -A standing=()
while IFS= read -r -d '' path; do
  above=$path
  while [ "${above%/*}" != "$above" ]; do
    above=${above%/*}
    if [ -L "$above" ] || [ -f "$above" ]; then path=$above; fi
  done
  if [ -L "$path" ] || [ -e "$path" ]; then standing[$path]=1; fi
done < <(git diff-tree -r -z --name-only --no-renames --diff-filter=A "$base" "$commit")
if [ ${#standing[@]} -gt 0 ]; then
  readarray -t -d '' untracked < <(printf '%s\0' "${!standing[@]}" | xargs -0 git --literal-pathspecs ls-files -z --others --)
  if [ ${#untracked[@]} -gt 0 ]; then
    printf '%s\0' "${untracked[@]}" | tar -c -f "$folder/untracked.tar" --null --verbatim-files-from -T -
    sync "$folder/untracked.tar"
    echo untracked.tar
    printf '%s\0' "${untracked[@]}" | xargs -0 rm -rf --
  fi
fi

# Where the former commit tracked .env, git would take the file away with it.
git update-index --force-remove -- .env
umask 022
git checkout -q --force --detach "$commit^{commit}" # not a branch of such a name
