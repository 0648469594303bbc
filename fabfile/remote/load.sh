#!/usr/bin/env bash
# Restore a backup into a new database and say what that holds.
# Arguments: FILE SHA256 CONTAINER USER DATABASE ENCODING COLLATE CTYPE QUESTIONS.
# Standard output: one JSON object a line, as QUESTIONS ask for them. The database is gone again when it fails.
# Exit codes: 65 the file is not what was written, 70 a stage failed (said on standard error).
set -uo pipefail
file=$1 digest=$2 container=$3 user=$4 database=$5 encoding=$6 collate=$7 ctype=$8 questions=$9
export LC_ALL=C
die() { code=$1; shift; printf '%s\n' "$*" >&2; exit "$code"; }
run() { docker exec -i "$container" "$@"; }
psql_on() { run psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$user" -d "$@"; }

scratch=$(mktemp -d "${TMPDIR:-/tmp}/wishwithme-load.XXXXXXXX") || die 70 'no temporary folder can be made'
made=''
finish() {
  [ -z "$made" ] || psql_on postgres -v name="$database" >/dev/null 2>&1 <<'SQL'
DROP DATABASE :"name" WITH (FORCE);
SQL
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM

[ -f "$file" ] || die 65 "$file is gone"
read -r found _ < <(sha256sum "$file")
[ "$found" = "$digest" ] || die 65 "$file was changed since it was written: its digest is another one"
psql_on postgres -v name="$database" -v encoding="$encoding" -v collate="$collate" -v ctype="$ctype" \
  2>"$scratch/err" <<'SQL' || die 70 "the database cannot be made: $(head -n 1 "$scratch/err")"
CREATE DATABASE :"name" TEMPLATE template0 ENCODING :'encoding' LC_COLLATE :'collate' LC_CTYPE :'ctype';
SQL
made=yes
case $file in
  *.gz) unpack=(gzip -dc) ;;
  *) unpack=(zstd -dqc) ;;
esac
"${unpack[@]}" <"$file" 2>"$scratch/0.err" | psql_on "$database" >/dev/null 2>"$scratch/1.err"
codes=("${PIPESTATUS[@]}")
[ "${codes[1]}" -eq 0 ] || die 70 "psql ended with ${codes[1]}: $(head -n 1 "$scratch/1.err")"
[ "${codes[0]}" -eq 0 ] || die 70 "${unpack[0]} ended with ${codes[0]}: $(tail -n 1 "$scratch/0.err")"
printf 'ANALYZE;\nBEGIN;\n%s\nCOMMIT;\n' "$questions" |
  psql_on "$database" >"$scratch/facts" 2>"$scratch/err" ||
  die 70 "the questions were not answered: $(tail -n 1 "$scratch/err")"
grep '^{' "$scratch/facts" || die 70 'the questions were not answered'
made=''
