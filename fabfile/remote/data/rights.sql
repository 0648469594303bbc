-- Who owns what, who may do what, and which extensions and roles a database needs: one JSON object a row.
-- The dump does not tell it: what needs a superuser is done by settle.sql, from what the manifest keeps of this.
-- Asked at the dump and again after a restore. "owner" is null where it is the one who asks.
WITH
foreign_schema (oid) AS (
    SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'information_schema' OR n.nspname ~ '^pg_'
),
member (classid, objid) AS (
    SELECT d.classid, d.objid FROM pg_depend d WHERE d.deptype = 'e'
),
thing (classid, objid, subid, owner, acl, follows) AS (
    SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspowner, n.nspacl, false
    FROM pg_namespace n WHERE n.oid NOT IN (SELECT f.oid FROM foreign_schema f)
    UNION ALL
    -- The sequence of a column follows its table.
    SELECT 'pg_class'::regclass, c.oid, 0, c.relowner, c.relacl, EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
            AND c.relkind = 'S'
    )
    FROM pg_class c
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relnamespace NOT IN (SELECT f.oid FROM foreign_schema f)
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, a.attnum, c.relowner, a.attacl, true
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relnamespace NOT IN (SELECT f.oid FROM foreign_schema f)
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, p.proowner, p.proacl, false
    FROM pg_proc p WHERE p.pronamespace NOT IN (SELECT f.oid FROM foreign_schema f)
    UNION ALL
    -- Neither the types of tables nor arrays: both follow what they belong to.
    SELECT 'pg_type'::regclass, t.oid, 0, t.typowner, t.typacl, false
    FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace NOT IN (SELECT f.oid FROM foreign_schema f) AND (c.oid IS NULL OR c.relkind = 'c')
        AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AND t.typtype <> 'm'
    UNION ALL
    SELECT 'pg_largeobject'::regclass, l.oid, 0, l.lomowner, l.lomacl, false FROM pg_largeobject_metadata l
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, w.fdwowner, w.fdwacl, false FROM pg_foreign_data_wrapper w
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 0, s.srvowner, s.srvacl, false FROM pg_foreign_server s
    UNION ALL
    -- Kinds that nobody is granted rights on.
    SELECT s.classid, s.objid, 0, s.refobjid, NULL, false
    FROM pg_shdepend s
    WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        AND s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND s.classid NOT IN (
            'pg_namespace'::regclass, 'pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass,
            'pg_largeobject'::regclass, 'pg_foreign_data_wrapper'::regclass, 'pg_foreign_server'::regclass,
            'pg_default_acl'::regclass, 'pg_extension'::regclass
        )
),
told (classid, objid, subid, owner, acl, follows) AS (
    -- Of what an extension brought only the rights that differ from those it came with.
    SELECT t.classid, t.objid, t.subid, nullif(pg_get_userbyid(t.owner), current_user), t.acl,
        t.follows OR m.objid IS NOT NULL
    FROM thing t
    LEFT JOIN member m ON m.classid = t.classid AND m.objid = t.objid
    LEFT JOIN pg_init_privs i ON i.classoid = t.classid AND i.objoid = t.objid AND i.objsubid = t.subid
    WHERE CASE WHEN m.objid IS NULL THEN t.acl IS NOT NULL OR pg_get_userbyid(t.owner) <> current_user
        ELSE t.acl IS DISTINCT FROM i.initprivs END
)
SELECT jsonb_build_object('right', jsonb_build_object(
    'object', jsonb_build_array(a.type, a.object_names, a.object_args),
    'owner', t.owner,
    'follows', t.follows,
    'acl', (
        SELECT jsonb_agg(jsonb_build_array(
            pg_get_userbyid(x.grantor), CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END,
            x.privilege_type, x.is_grantable
        ) ORDER BY x.n)
        FROM aclexplode(t.acl) WITH ORDINALITY x (grantor, grantee, privilege_type, is_grantable, n)
    ),
    'granted', t.acl IS NOT NULL
)) AS line
FROM told t, pg_identify_object_as_address(t.classid, t.objid, t.subid) a
UNION ALL
SELECT jsonb_build_object('right', jsonb_build_object(
    'defaults', pg_get_userbyid(d.defaclrole), 'schema', n.nspname, 'kind', d.defaclobjtype::text,
    'acl', (
        SELECT jsonb_agg(jsonb_build_array(
            pg_get_userbyid(x.grantor), CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END,
            x.privilege_type, x.is_grantable
        ) ORDER BY x.n)
        FROM aclexplode(d.defaclacl) WITH ORDINALITY x (grantor, grantee, privilege_type, is_grantable, n)
    )
))
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
UNION ALL
SELECT jsonb_build_object('right', jsonb_build_object('extension', e.extname, 'schema', n.nspname,
    'place', row_number() OVER (ORDER BY e.oid), 'comment', obj_description(e.oid, 'pg_extension')
))
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'
UNION ALL
SELECT jsonb_build_object('right', jsonb_build_object('role', r.rolname))
FROM pg_roles r, pg_database d
WHERE d.datname = current_database() AND r.rolname !~ '^pg_' AND (
    EXISTS (
        SELECT FROM pg_shdepend s
        WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
            AND (s.dbid = d.oid OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid))
    ) OR EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = r.oid)
)
