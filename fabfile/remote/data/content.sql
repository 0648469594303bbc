-- What a database holds, as one JSON object a line: the same questions at the dump and after a restore.
-- Run by psql -A -t inside one transaction. Definitions that PostgreSQL may write differently after a
-- restore (check constraints, views, expressions) count by name and validity only.
-- What a session has there first: a restore needs it too. Schemas by their names: "$user" is another one then.
SELECT pg_catalog.jsonb_object_agg(s.name, s.value) AS session
FROM (
    SELECT s.name, pg_catalog.to_jsonb(s.setting) AS value
    FROM pg_catalog.pg_settings s
    WHERE s.category = 'Client Connection Defaults / Locale and Formatting' AND s.context = 'user'
        AND s.name <> 'client_encoding'
    UNION ALL
    SELECT 'search_path', pg_catalog.to_jsonb(pg_catalog.current_schemas(false))
) s \gset
SET LOCAL search_path = pg_catalog;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL lc_monetary = 'C';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT json_build_object(
    'version', current_setting('server_version'),
    'encoding', pg_encoding_to_char(encoding),
    'collate', datcollate,
    'ctype', datctype,
    'bytes', pg_database_size(oid),
    'session', :'session'::json,
    'locale', json_strip_nulls(json_build_object(
        -- From PostgreSQL 15 on, and under another name from 17 on.
        'provider', CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
        'name', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
        'rules', to_jsonb(d) ->> 'daticurules'
    ))
) FROM pg_database d WHERE datname = current_database();
WITH ours AS (
    SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        )
), told (kind, line) AS (
    SELECT 'relation', concat_ws(' ', relkind, name) FROM ours
    UNION ALL
    SELECT 'column', concat_ws(' ', o.name, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.atthasdef, a.attidentity, a.attgenerated)
    FROM pg_attribute a JOIN ours o ON o.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND o.relkind IN ('r', 'p', 'f')
    UNION ALL
    SELECT 'constraint', concat_ws(' ', o.name, k.conname, k.contype, k.convalidated,
        CASE WHEN k.contype IN ('p', 'u', 'f') THEN pg_get_constraintdef(k.oid) END)
    FROM pg_constraint k JOIN ours o ON o.oid = k.conrelid
    UNION ALL
    SELECT 'index', concat_ws(' ', o.name, i.indisvalid, i.indisunique,
        CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN pg_get_indexdef(i.indexrelid) END)
    FROM pg_index i JOIN ours o ON o.oid = i.indexrelid
    UNION ALL
    SELECT 'trigger', concat_ws(' ', o.name, t.tgname, t.tgenabled)
    FROM pg_trigger t JOIN ours o ON o.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'function', concat_ws(' ', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), md5(p.prosrc))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        )
)
SELECT json_build_object(
    'structure', md5(coalesce(string_agg(kind || ' ' || line, E'\n' ORDER BY kind, line COLLATE "C"), '')),
    'constraints', count(*) FILTER (WHERE kind = 'constraint'),
    'indexes', count(*) FILTER (WHERE kind = 'index')
) FROM told;
-- Every row counts, in whatever order: a sum of 64-bit digests needs no memory and no sorting. Rows are
-- hashed as they are where every column's type has a hash of its value, and as text elsewhere (an enum's
-- hash is that of its OID, which a restore changes). Their columns stand in their order, which a restore
-- changes where some of them are inherited: then by name.
SELECT format(
    'SELECT json_build_object(''table'', %L, ''rows'', count(*), ''digest'','
    ' coalesce(sum(%s::numeric), 0)::text) FROM ONLY %s',
    format('%I.%I', n.nspname, c.relname),
    format(CASE WHEN a.hashable THEN 'hash_record_extended(ROW(%s), 0)' ELSE 'hashtextextended(ROW(%s)::text, 0)' END,
        a.columns),
    format('%I.%I', n.nspname, c.relname)
)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT
        coalesce(bool_and(a.atttypid = 'varchar'::regtype OR a.atttypid IN (
            SELECT o.opcintype FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
            WHERE m.amname = 'hash' AND o.opcdefault
        )), true) AS hashable,
        string_agg(quote_ident(a.attname), ', ' ORDER BY CASE WHEN NOT c.relispartition AND EXISTS (
            SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid
        ) THEN a.attname END, a.attnum) AS columns
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) a
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY n.nspname, c.relname
\gexec
