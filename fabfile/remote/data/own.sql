-- What belongs to the database itself and to nothing in it: one JSON object a row, as rights.sql, whose rows they join.
-- A dump does not hold it. No comparison takes in what is "hidden" (a setting with a dot in its name is somebody's
-- own, and may be a secret: only its name is told), a "label" and a "tablespace".
SELECT jsonb_build_object('right', o.line) AS line
FROM pg_database d CROSS JOIN LATERAL (
    SELECT jsonb_build_object(
        'own', 'rights',
        'object', '["database", [], []]'::jsonb,
        'owner', nullif(pg_get_userbyid(d.datdba), current_user),
        'follows', false,
        'acl', (
            SELECT jsonb_agg(jsonb_build_array(
                pg_get_userbyid(x.grantor), CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END,
                x.privilege_type, x.is_grantable
            ) ORDER BY x.n)
            FROM aclexplode(d.datacl) WITH ORDINALITY x (grantor, grantee, privilege_type, is_grantable, n)
        ),
        'granted', d.datacl IS NOT NULL
    )
    WHERE d.datacl IS NOT NULL OR pg_get_userbyid(d.datdba) <> current_user
    UNION ALL
    SELECT jsonb_build_object('own', 'limit', 'value', d.datconnlimit) WHERE d.datconnlimit <> -1
    UNION ALL
    SELECT jsonb_build_object('own', 'template') WHERE d.datistemplate
    UNION ALL
    SELECT jsonb_build_object('own', 'comment', 'value', shobj_description(d.oid, 'pg_database'))
    WHERE shobj_description(d.oid, 'pg_database') IS NOT NULL
    UNION ALL
    SELECT jsonb_build_object('own', 'tablespace', 'name', s.spcname)
    FROM pg_tablespace s WHERE s.oid = d.dattablespace AND s.spcname <> 'pg_default'
    UNION ALL
    SELECT jsonb_build_object('own', 'label', 'name', l.provider)
    FROM pg_shseclabel l WHERE l.classoid = 'pg_database'::regclass AND l.objoid = d.oid
    UNION ALL
    SELECT jsonb_build_object(
        'own', CASE WHEN split_part(c.entry, '=', 1) LIKE '%.%' THEN 'hidden' ELSE 'setting' END,
        'of', CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END,
        'name', split_part(c.entry, '=', 1),
        'value', CASE WHEN split_part(c.entry, '=', 1) NOT LIKE '%.%'
            THEN substr(c.entry, strpos(c.entry, '=') + 1) END
    )
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c (entry) WHERE s.setdatabase = d.oid
) o (line)
WHERE d.datname = current_database()
