#!/usr/bin/env bash
# Restore a backup into a new database, compare, and give what came back its owners and rights.
# Arguments: FILE SHA256 CONTAINER USER DATABASE ENCODING COLLATE CTYPE ANSWERED QUESTIONS RIGHTS SETTLE LIKE OWN.
# ANSWERED: digest of what QUESTIONS were answered at the dump; RIGHTS: query for owners and rights; SETTLE: SQL that
# brings them; LIKE: the database whose own properties, by the query OWN, the new one gets (empty: those of the dump's).
# Standard input: what RIGHTS was answered at the dump, a JSON array in one line.
# Standard output: what QUESTIONS are answered now, a JSON object a line. Unless it ends with 0 the database is gone.
#
# A dump is a program. Until what it made is proved equal it runs as a role of its own, which owns the new database
# and may do nothing else; pg_restore knows no commands of psql. The superuser runs none of its text, and asks the new
# database nothing before that: a view or an index of it could be a program as well. The role goes in any case.
# Exit codes: 65 the file is not what was written, 66 what came back differs, 70 a stage failed (said on standard error).
set -uo pipefail
file=$1 digest=$2 container=$3 user=$4 database=$5 encoding=$6 collate=$7 ctype=$8 answered=$9
questions=${10} rights=${11} settle=${12} like=${13} own=${14}
export LC_ALL=C
umask 077
die() { code=$1; shift; printf '%s\n' "$*" >&2; exit "$code"; }
# Nobody in particular, without the container's environment, which holds the password. An option of the connection is
# above what a database sets for itself.
run() {
  # shellcheck disable=SC2016 # the container's shell is to expand it
  docker exec -i -u 65534:65534 "$container" sh -c \
    'exec env -i PATH="$PATH" ${PGHOST:+PGHOST="$PGHOST"} PGOPTIONS="'"$options"'" "$@"' run "$@"
}
options=''
as() { run psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$@"; }
super() {
  local options='-c search_path=pg_catalog -c standard_conforming_strings=on -c row_security=off'
  as "$user" -d "$1" "${@:2}"
}
first() { grep -m 1 -i 'error:' "$1" || tail -n 1 "$1"; }

told=''
IFS= read -r told || die 70 'what the backup tells of rights did not come'
mark=wishwithme_restore_
loader=$mark$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
list=/tmp/$loader
stem=wishwithme-$(cksum <<<"${file%/*/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-load.XXXXXXXX") || die 70 'no temporary folder can be made'
made='' listed=''
# What a role for restoring owns is half done: nobody was given it.
clear_up() {
  super postgres -v mark="$mark" >/dev/null 2>&1 <<'SQL'
SELECT format('DROP DATABASE %I WITH (FORCE)', d.datname)
FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE starts_with(r.rolname, :'mark') \gexec
SELECT format('DROP ROLE %I', r.rolname) FROM pg_roles r WHERE starts_with(r.rolname, :'mark') \gexec
SQL
}
finish() {
  [ -z "$made" ] || super postgres -v name="$database" >/dev/null 2>&1 <<'SQL'
SELECT format('ALTER DATABASE %I IS_TEMPLATE false', d.datname) FROM pg_database d WHERE d.datname = :'name' \gexec
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
SQL
  clear_up
  [ -z "$listed" ] || docker exec "$container" rm -f "$list" >/dev/null 2>&1
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM
literal() { printf "'%s'" "${1//\'/\'\'}"; }
tell() {
  printf 'CREATE TEMP TABLE told (line jsonb);\n'
  printf 'INSERT INTO told SELECT * FROM jsonb_array_elements(%s);\n' "$(literal "$told")"
  [ -n "$like" ] || return 0
  printf "DELETE FROM told WHERE line -> 'right' ? 'own';\n"
  printf 'INSERT INTO told SELECT * FROM jsonb_array_elements(%s);\n' "$(literal "[$owned]")"
}

[ -f "$file" ] || die 65 "$file is gone"
read -r found _ < <(sha256sum "$file")
[ "$found" = "$digest" ] || die 65 "$file was changed since it was written: its digest is another one"
clear_up # of a run that died
if [ -n "$like" ]; then
  owned=$(super "$like" 2>"$scratch/err" <<<"$own" | paste -sd,) || die 70 "what $like has is unknown: $(first "$scratch/err")"
fi
{
  tell
  cat <<'SQL'
SELECT format('CREATE ROLE %I NOLOGIN', t.line #>> '{right,role}') FROM told t
WHERE t.line -> 'right' ? 'role' AND t.line #>> '{right,role}' NOT IN (SELECT r.rolname FROM pg_roles r) \gexec
CREATE ROLE :"loader" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT;
SELECT coalesce((
    SELECT 'TABLESPACE ' || quote_ident(s.spcname) FROM told t JOIN pg_tablespace s ON s.spcname = t.line #>> '{right,name}'
    WHERE t.line #>> '{right,own}' = 'tablespace'
), '') AS place \gset
CREATE DATABASE :"name" OWNER :"loader" TEMPLATE template0 ENCODING :'encoding' LC_COLLATE :'collate' LC_CTYPE :'ctype'
    :place;
SQL
} | super postgres -v loader="$loader" -v name="$database" -v encoding="$encoding" -v collate="$collate" \
  -v ctype="$ctype" >/dev/null 2>"$scratch/err" || die 70 "the database cannot be made: $(first "$scratch/err")"
made=yes
# Extensions need a superuser: they come by their names, while nothing of the dump is there. Schemas of theirs too.
{
  tell
  cat <<'SQL'
SELECT DISTINCT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', t.line #>> '{right,schema}', :'loader')
FROM told t WHERE t.line -> 'right' ? 'extension' AND t.line #>> '{right,schema}' !~ '^pg_' \gexec
SELECT format('CREATE EXTENSION %I SCHEMA %I', t.line #>> '{right,extension}', t.line #>> '{right,schema}')
FROM told t WHERE t.line -> 'right' ? 'extension' ORDER BY (t.line #>> '{right,place}')::int \gexec
SELECT format('COMMENT ON EXTENSION %I IS %L', t.line #>> '{right,extension}', t.line #>> '{right,comment}')
FROM told t WHERE t.line -> 'right' ? 'extension' \gexec
SELECT DISTINCT t.line #>> '{right,schema}' FROM told t WHERE t.line -> 'right' ? 'extension';
SQL
} | super "$database" -v loader="$loader" >"$scratch/schemas" 2>"$scratch/err" ||
  die 70 "the extensions cannot be made: $(first "$scratch/err")"

case $file in
  *.gz) unpack=(gzip -dc) ;;
  *) unpack=(zstd -dqc) ;;
esac
"${unpack[@]}" <"$file" 2>/dev/null | run pg_restore -Fc -l >"$scratch/all" 2>"$scratch/err"
grep -q '^;     Format: CUSTOM' "$scratch/all" || die 70 "it is no dump of pg_dump -Fc: $(first "$scratch/err")"
sed 's/[][\.*^$]/\\&/g; s/^/^[0-9]*; [0-9]* [0-9]* SCHEMA - /; s/$/ /' <"$scratch/schemas" >"$scratch/made"
printf '%s\n' '^[0-9]*; [0-9]* [0-9]* EXTENSION - ' '^[0-9]*; [0-9]* [0-9]* COMMENT - EXTENSION ' >>"$scratch/made"
grep -v -f "$scratch/made" "$scratch/all" | run sh -c "umask 077; cat >$list" 2>"$scratch/err" ||
  die 70 "its list of contents cannot be kept: $(tail -n 1 "$scratch/err")"
listed=yes
"${unpack[@]}" <"$file" 2>"$scratch/0.err" | run pg_restore -Fc -L "$list" --exit-on-error --no-owner --no-acl \
  --no-tablespaces --no-password -U "$loader" -d "$database" >/dev/null 2>"$scratch/1.err"
codes=("${PIPESTATUS[@]}")
[ "${codes[1]}" -eq 0 ] || die 70 "pg_restore ended with ${codes[1]}: $(first "$scratch/1.err")"
[ "${codes[0]}" -eq 0 ] || die 70 "${unpack[0]} ended with ${codes[0]}: $(tail -n 1 "$scratch/0.err")"

# Policies that bind the owner too would hide rows.
{
  cat <<'SQL'
ANALYZE;
BEGIN;
SELECT pg_catalog.format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', c.oid::pg_catalog.regclass)
FROM pg_catalog.pg_class c WHERE c.relforcerowsecurity \gexec
SQL
  printf '%s\nROLLBACK;\n' "$questions"
} | as "$loader" -d "$database" >"$scratch/facts" 2>"$scratch/err" ||
  die 70 "the questions were not answered: $(first "$scratch/err")"
grep '^{' "$scratch/facts" >"$scratch/answers" || die 70 'the questions were not answered'
cat "$scratch/answers"
# Without what a restore changes: the version of the server and the size.
read -r found _ < <(grep -v '^{"version"' "$scratch/answers" | sort | sha256sum)
[ "$found" = "$answered" ] || die 66 'it came back differently'

super postgres -v loader="$loader" -v name="$database" >/dev/null 2>"$scratch/err" <<'SQL' ||
ALTER ROLE :"loader" NOLOGIN;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = :'loader';
ALTER DATABASE :"name" RESET ALL;
SQL
  die 70 "the restore cannot be ended: $(first "$scratch/err")"
{
  printf 'BEGIN;\n'
  tell
  printf 'CREATE TEMP VIEW asked AS\n%s;\n%s\nDROP OWNED BY :"loader";\nCOMMIT;\nDROP ROLE :"loader";\n' "$rights" "$settle"
} | super "$database" -v loader="$loader" -v like="$like" >"$scratch/rights" 2>"$scratch/err" ||
  die 70 "its owners and rights cannot be brought back: $(first "$scratch/err")"
[ ! -s "$scratch/rights" ] || die 70 "its owners and rights came back differently: $(head -n 1 "$scratch/rights")"
made=''
