#!/usr/bin/env bash
# Which troubles people are to be told of now. Arguments: FOLDER of the file `told`, FAMILY of troubles.
# Standard input: the troubles of the family that there are now, a name in each line.
# Standard output: a line `new NAME` for each that nobody was told of yet, `over NAME` for each that is no more. The file
# remembers what there is now. Where FOLDER is not there, all are new.
set -eu
umask 077
export LC_ALL=C
family=$2
wanted=$(sed "s/^/$family /" | sort -u)
if [ -d "$1" ]; then
  cd "$1"
  exec 9<.
  flock --timeout 5 9
fi
had=$(awk -v family="$family" '$1 == family' told 2>/dev/null | sort -u)
comm -13 <(printf '%s\n' "$had") <(printf '%s\n' "$wanted") | sed -n "s/^$family /new /p"
comm -23 <(printf '%s\n' "$had") <(printf '%s\n' "$wanted") | sed -n "s/^$family /over /p"
[ -d "$1" ] && [ "$had" != "$wanted" ] || exit 0
{ awk -v family="$family" '$1 != family' told 2>/dev/null || :; printf '%s' "${wanted:+$wanted
}"; } >told.tmp
mv -f told.tmp told
