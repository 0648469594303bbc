-- Give what was restored its owners and rights, as a superuser. This server quotes everything; nothing of the dump
-- runs, and no function that it brought. The table "told" has what rights.sql answered at the dump, "asked" (a view)
-- is rights.sql itself; the role :loader owns everything yet. The settings that "told" hides are those of the database
-- :like, if there is one. Standard output: a line per right that is another one.
SELECT format('REASSIGN OWNED BY %I TO %I', :'loader', current_user) \gexec
CREATE TEMP VIEW target AS
SELECT
    t.line -> 'right' AS told,
    coalesce(t.line #>> '{right,owner}', current_user) AS owner,
    w.identity,
    (SELECT quote_ident(c.attname) FROM pg_attribute c WHERE c.attrelid = a.objid AND c.attnum = a.objsubid
        AND a.objsubid > 0) AS part,
    CASE WHEN w.type = 'statistics object' THEN 'STATISTICS' WHEN w.type = 'composite type' THEN 'TYPE'
        ELSE upper(w.type) END AS kind,
    CASE
        WHEN w.type IN ('view', 'materialized view', 'foreign table') THEN 'TABLE'
        WHEN w.type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE'
        WHEN w.type = 'server' THEN 'FOREIGN SERVER'
        ELSE upper(w.type)
    END AS granted
FROM told t
CROSS JOIN LATERAL jsonb_to_record(jsonb_build_object(
    'type', t.line #> '{right,object,0}', 'names', t.line #> '{right,object,1}', 'args', t.line #> '{right,object,2}'
)) AS o (type text, names text [], args text [])
CROSS JOIN LATERAL pg_get_object_address(
    o.type, CASE o.type WHEN 'database' THEN ARRAY[current_database()::text] ELSE o.names END, o.args
) a
CROSS JOIN LATERAL pg_identify_object(a.classid, a.objid, 0) w
WHERE t.line -> 'right' ? 'object';

SELECT format('ALTER %s %s OWNER TO %I', kind, identity, owner)
FROM target WHERE told ->> 'owner' IS NOT NULL AND NOT (told ->> 'follows')::boolean \gexec

SELECT format('REVOKE ALL ON %s %s FROM PUBLIC, %I', granted, identity, owner)
FROM target WHERE (told ->> 'granted')::boolean AND part IS NULL \gexec
-- What others than the owner granted comes after the right to do so.
SELECT concat_ws(' ',
    CASE WHEN x.entry ->> 0 <> owner THEN format('SET ROLE %I;', x.entry ->> 0) END,
    'GRANT', x.entry ->> 2, '(' || part || ')', 'ON', granted, identity,
    'TO', coalesce(quote_ident(x.entry ->> 1), 'PUBLIC'),
    CASE WHEN (x.entry ->> 3)::boolean AND x.entry ->> 1 <> owner THEN 'WITH GRANT OPTION' END,
    CASE WHEN x.entry ->> 0 <> owner THEN '; RESET ROLE' END
)
FROM target, jsonb_array_elements(nullif(told -> 'acl', 'null')) WITH ORDINALITY x (entry, n)
WHERE x.entry ->> 2 ~ '^[A-Z ]+$'
ORDER BY x.entry ->> 0 <> owner, part IS NOT NULL, x.n \gexec

CREATE TEMP VIEW defaults AS
SELECT
    d.*,
    format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s', d.role, 'IN SCHEMA ' || quote_ident(d.schema)) AS statement,
    CASE d.kind WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' END AS plural
FROM told t CROSS JOIN LATERAL (
    SELECT t.line #>> '{right,defaults}' AS role, t.line #>> '{right,schema}' AS schema,
        t.line #>> '{right,kind}' AS kind, t.line #> '{right,acl}' AS acl
) d
WHERE t.line -> 'right' ? 'defaults';
SELECT format('%s REVOKE ALL ON %s FROM PUBLIC, %I', statement, plural, role) FROM defaults WHERE schema IS NULL \gexec
SELECT concat_ws(' ', statement, 'GRANT', x.entry ->> 2, 'ON', plural,
    'TO', coalesce(quote_ident(x.entry ->> 1), 'PUBLIC'),
    CASE WHEN (x.entry ->> 3)::boolean AND x.entry ->> 1 <> role THEN 'WITH GRANT OPTION' END)
FROM defaults, jsonb_array_elements(nullif(acl, 'null')) WITH ORDINALITY x (entry, n)
WHERE x.entry ->> 2 ~ '^[A-Z ]+$'
ORDER BY x.n \gexec

SELECT CASE t.line #>> '{right,own}'
    WHEN 'limit' THEN format('ALTER DATABASE %I CONNECTION LIMIT %s', current_database(), (t.line #>> '{right,value}')::int)
    WHEN 'template' THEN format('ALTER DATABASE %I IS_TEMPLATE true', current_database())
    WHEN 'comment' THEN format('COMMENT ON DATABASE %I IS %L', current_database(), t.line #>> '{right,value}')
END
FROM told t WHERE t.line -> 'right' ? 'own' \gexec
-- Lists of names stand in the catalog as PostgreSQL quotes names; any other value is one literal.
SELECT format(
    'ALTER %s DATABASE %I SET %I TO %s', CASE WHEN s.role <> '' THEN format('ROLE %I IN', s.role) END, current_database(), s.name,
    CASE WHEN s.name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
        THEN (
            SELECT string_agg(quote_literal(CASE WHEN m.found[1] LIKE '"%'
                THEN replace(substr(m.found[1], 2, length(m.found[1]) - 2), '""', '"') ELSE m.found[1] END), ', ' ORDER BY m.n)
            FROM regexp_matches(s.value, '"(?:[^"]|"")*"|[^",\s]+', 'g') WITH ORDINALITY m (found, n)
        )
        ELSE quote_literal(s.value) END
)
FROM (
    SELECT t.line #>> '{right,of}', t.line #>> '{right,name}', t.line #>> '{right,value}'
    FROM told t WHERE t.line #>> '{right,own}' = 'setting'
    UNION ALL
    SELECT r.rolname, split_part(c.entry, '=', 1), substr(c.entry, strpos(c.entry, '=') + 1)
    FROM pg_database d JOIN pg_db_role_setting a ON a.setdatabase = d.oid LEFT JOIN pg_roles r ON r.oid = a.setrole
    CROSS JOIN unnest(a.setconfig) c (entry)
    WHERE d.datname = :'like' AND split_part(c.entry, '=', 1) LIKE '%.%'
) s (role, name, value) \gexec

-- Grants count in whatever order they were made. A role may be there that nothing needs any more.
CREATE TEMP VIEW wanted AS
SELECT t.line #- '{right,acl}' AS line, x.entry FROM told t
LEFT JOIN LATERAL jsonb_array_elements(nullif(t.line #> '{right,acl}', 'null')) x (entry) ON true
WHERE NOT t.line -> 'right' ? 'role'
    AND coalesce(t.line #>> '{right,own}', '') NOT IN ('hidden', 'label', 'tablespace');
CREATE TEMP VIEW found AS
SELECT a.line #- '{right,acl}' AS line, x.entry FROM asked a
LEFT JOIN LATERAL jsonb_array_elements(nullif(a.line #> '{right,acl}', 'null')) x (entry) ON true
WHERE NOT a.line -> 'right' ? 'role'
    AND coalesce(a.line #>> '{right,own}', '') NOT IN ('hidden', 'label', 'tablespace');
(SELECT 'missing: ' || concat_ws(' ', line, entry) FROM (SELECT * FROM wanted EXCEPT SELECT * FROM found) m)
UNION ALL
(SELECT 'new: ' || concat_ws(' ', line, entry) FROM (SELECT * FROM found EXCEPT SELECT * FROM wanted) n);
