/**
 * Functions that the words of `dialect.ts` need in the database, for its first migration. They refer to nothing but what
 * PostgreSQL itself has, so that `pg_dump` and `pg_restore` need no order. No rule may live here.
 */

/** What SQLite calls json_valid, json_type, json_each and total. */
export const functions = `
CREATE FUNCTION latchkey_is_json(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
  PERFORM value::json;
  RETURN true;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
  RETURN false;
END $$;

CREATE FUNCTION latchkey_json_type(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
  RETURN json_typeof(value::json);
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
  RETURN 'invalid';
END $$;

CREATE FUNCTION latchkey_items(list text) RETURNS TABLE (value text) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  'SELECT i.value COLLATE "C" FROM pg_catalog.json_array_elements_text(list::json) AS i';

CREATE AGGREGATE latchkey_total(double precision) (
  SFUNC = float8pl, STYPE = double precision, INITCOND = '0', COMBINEFUNC = float8pl, PARALLEL = SAFE
);
`
