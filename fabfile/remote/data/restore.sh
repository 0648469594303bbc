#!/usr/bin/env bash
# Restore a backup into a new database, compare, and give what came back its owners and rights.
# Arguments: FILE SHA256 CONTAINER USER DATABASE ENCODING COLLATE CTYPE ANSWERED THERE QUESTIONS RIGHTS SETTLE LIVE NAME
# LIKE OWN. ANSWERED: digest of what QUESTIONS were answered at the dump; THERE: JSON, the session's settings and the
# locale there; RIGHTS: query for owners and rights; SETTLE: SQL that brings them; LIVE, NAME: container and name of the
# live database; LIKE: the database whose own properties, by the query OWN, the new one gets (empty: those of the dump's).
# Standard input: what RIGHTS was answered at the dump, a JSON array in one line.
# Standard output: what QUESTIONS are answered now, a JSON object a line. Unless it ends with 0 the database is gone.
#
# A dump is a program. Until what it made is proved equal it runs as a role of its own, which owns the new database
# and may do nothing else; pg_restore knows no commands of psql. The superuser runs none of its text, and asks the new
# database nothing before that: a view or an index of it could be a program as well. The role goes in any case.
# Exit codes: 65 the file is not what was written, 66 what came back differs, 70 a stage failed (said on standard error).
set -uo pipefail
file=$1 digest=$2 container=$3 user=$4 database=$5 encoding=$6 collate=$7 ctype=$8 answered=$9
there=${10} questions=${11} rights=${12} settle=${13} live=${14} origin=${15} like=${16} own=${17}
export LC_ALL=C
umask 077
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

told=''
IFS= read -r told || die 70 'what the backup tells of rights did not come'
mark=wishwithme_restore_
loader=$mark$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
list=/tmp/$loader
stem=wishwithme-$(cksum <<<"${file%/*/*}" | cut -d " " -f 1) # of this server's root: another one's scratch stays
scratch=$(mktemp -d "${TMPDIR:-/tmp}/$stem-load.XXXXXXXX") || die 70 'no temporary folder can be made'
made='' listed=''
# remove DATABASE: a transaction that was prepared in it would keep it.
remove() {
  super "$1" >/dev/null 2>&1 <<'SQL'
SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = current_database() \gexec
SQL
  super postgres -v name="$1" >/dev/null 2>"$scratch/left" <<'SQL' ||
SELECT format('ALTER DATABASE %I IS_TEMPLATE false', d.datname) FROM pg_database d WHERE d.datname = :'name' \gexec
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
SQL
    printf 'left: database %s, half restored, cannot be removed: %s\n' "$1" "$(cause "$scratch/left")" >&2
}
# What a role for restoring owns is half done: nobody was given it. What cannot go keeps nothing else from going.
clear_up() {
  local half
  super postgres -v mark="$mark" >"$scratch/half" 2>/dev/null <<'SQL'
SELECT d.datname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE starts_with(r.rolname, :'mark');
SQL
  while IFS= read -r half; do remove "$half"; done <"$scratch/half"
  super postgres -v ON_ERROR_STOP=0 -v mark="$mark" >/dev/null 2>&1 <<'SQL'
SELECT format('DROP ROLE %I', r.rolname) FROM pg_roles r WHERE starts_with(r.rolname, :'mark') \gexec
SQL
}
finish() {
  [ -z "$made" ] || remove "$database"
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
  owned=$(super "$like" 2>"$scratch/err" <<<"$own" | paste -sd,) || die 70 "what $like has is unknown: $(cause "$scratch/err")"
fi
{
  tell
  cat <<'SQL'
SELECT format('CREATE ROLE %I NOLOGIN', t.line #>> '{right,role}') FROM told t
WHERE t.line -> 'right' ? 'role' AND t.line #>> '{right,role}' NOT IN (SELECT r.rolname FROM pg_roles r) \gexec
CREATE ROLE :"loader" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
SELECT coalesce((
    SELECT format('LOCALE_PROVIDER %I %I %L', l.provider, CASE l.provider WHEN 'icu' THEN 'icu_locale' ELSE 'builtin_locale' END, l.name)
        || coalesce(' ICU_RULES ' || quote_literal(l.rules), '')
    FROM jsonb_to_record(:'there'::jsonb -> 'locale') l (provider text, name text, rules text) WHERE l.provider IS NOT NULL
), '') AS provider \gset
SELECT coalesce((
    SELECT 'TABLESPACE ' || quote_ident(s.spcname) FROM told t JOIN pg_tablespace s ON s.spcname = t.line #>> '{right,name}'
    WHERE t.line #>> '{right,own}' = 'tablespace'
), '') AS place \gset
CREATE DATABASE :"name" OWNER :"loader" TEMPLATE template0 ENCODING :'encoding' LC_COLLATE :'collate' LC_CTYPE :'ctype'
    :provider :place;
SQL
} | super postgres -v loader="$loader" -v name="$database" -v encoding="$encoding" -v collate="$collate" \
  -v ctype="$ctype" -v there="$there" >/dev/null 2>"$scratch/err" || die 70 "the database cannot be made: $(cause "$scratch/err")"
made=yes
# The sessions that restore and compare get what a session has at the dump. A setting with a dot in its name is
# somebody's own and may be a secret: no manifest tells it, the live database does. One that is refused here is left out.
custom=$(container=$live && super postgres -v name="$origin" 2>/dev/null <<'SQL'
SELECT jsonb_object_agg(s.name, s.value)
FROM (
    SELECT DISTINCT ON (1) split_part(c.entry, '=', 1) AS name, substr(c.entry, strpos(c.entry, '=') + 1) AS value
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c (entry)
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = :'name'))
        AND s.setrole IN (0, current_user::regrole) AND split_part(c.entry, '=', 1) LIKE '%.%'
    ORDER BY 1, s.setrole DESC, s.setdatabase DESC
) s;
SQL
)
{
  printf 'CREATE TEMP TABLE setting AS SELECT * FROM jsonb_each(%s);\n' "$(literal "${custom:-"{}"}")"
  cat <<'SQL'
INSERT INTO setting SELECT e.key, e.value FROM jsonb_each(:'there'::jsonb -> 'session') e
WHERE e.key = 'search_path' OR e.key IN (SELECT s.name FROM pg_settings s WHERE s.context = 'user');
CREATE TEMP TABLE wanted AS SELECT format(
    'ALTER ROLE %I IN DATABASE %I SET %I TO %s', :'loader', :'name', s.key,
    CASE jsonb_typeof(s.value) WHEN 'array' THEN coalesce(
        (SELECT string_agg(quote_ident(e.part), ', ' ORDER BY e.n) FROM jsonb_array_elements_text(s.value) WITH ORDINALITY e (part, n)),
        quote_literal('')
    ) ELSE quote_literal(s.value #>> '{}') END
) AS line FROM setting s;
\set ON_ERROR_STOP 0
SELECT w.line FROM wanted w \gexec
SQL
} | super postgres -v loader="$loader" -v name="$database" -v there="$there" >/dev/null 2>"$scratch/err" ||
  die 70 "the settings of its sessions cannot be made: $(cause "$scratch/err")"
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
  die 70 "the extensions cannot be made: $(cause "$scratch/err")"

case $file in
  *.gz) unpack=(gzip -dc) ;;
  *) unpack=(zstd -dqc) ;;
esac
"${unpack[@]}" <"$file" 2>/dev/null | run pg_restore -Fc -l >"$scratch/all" 2>"$scratch/err"
grep -q '^;     Format: CUSTOM' "$scratch/all" || die 70 "it is no dump of pg_dump -Fc: $(cause "$scratch/err")"
sed 's/[][\.*^$]/\\&/g; s/^/^[0-9]*; [0-9]* [0-9]* SCHEMA - /; s/$/ /' <"$scratch/schemas" >"$scratch/made"
printf '%s\n' '^[0-9]*; [0-9]* [0-9]* EXTENSION - ' '^[0-9]*; [0-9]* [0-9]* COMMENT - EXTENSION ' >>"$scratch/made"
grep -v -f "$scratch/made" "$scratch/all" | run sh -c "umask 077; cat >$list" 2>"$scratch/err" ||
  die 70 "its list of contents cannot be kept: $(cause "$scratch/err")"
listed=yes
"${unpack[@]}" <"$file" 2>"$scratch/0.err" | run pg_restore -Fc -L "$list" --exit-on-error --no-owner --no-acl \
  --no-tablespaces --no-subscriptions --no-password -U "$loader" -d "$database" >/dev/null 2>"$scratch/1.err"
codes=("${PIPESTATUS[@]}")
[ "${codes[1]}" -eq 0 ] || die 70 "pg_restore ended with ${codes[1]}: $(cause "$scratch/1.err")"
[ "${codes[0]}" -eq 0 ] || die 70 "${unpack[0]} ended with ${codes[0]}: $(cause "$scratch/0.err")"

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
  die 70 "the questions were not answered: $(cause "$scratch/err")"
grep '^{' "$scratch/facts" >"$scratch/answers" || die 70 'the questions were not answered'
cat "$scratch/answers"
# Without what a restore changes: the version of the server and the size.
read -r found _ < <(grep -v '^{"version"' "$scratch/answers" | sort | sha256sum)
[ "$found" = "$answered" ] || die 66 'it came back differently'

super postgres -v loader="$loader" -v name="$database" >/dev/null 2>"$scratch/err" <<'SQL' ||
ALTER ROLE :"loader" NOLOGIN;
ALTER ROLE :"loader" IN DATABASE :"name" RESET ALL;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = :'loader';
ALTER DATABASE :"name" RESET ALL;
SQL
  die 70 "the restore cannot be ended: $(cause "$scratch/err")"
{
  printf 'BEGIN;\n'
  tell
  printf 'CREATE TEMP VIEW asked AS\n%s;\n%s\nDROP OWNED BY :"loader";\nCOMMIT;\nDROP ROLE :"loader";\n' "$rights" "$settle"
} | super "$database" -v loader="$loader" -v like="$like" >"$scratch/rights" 2>"$scratch/err" ||
  die 70 "its owners and rights cannot be brought back: $(cause "$scratch/err")"
[ ! -s "$scratch/rights" ] || die 70 "its owners and rights came back differently: $(head -n 1 "$scratch/rights")"
made=''
