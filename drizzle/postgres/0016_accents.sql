DROP INDEX "message_words";
--> statement-breakpoint
CREATE OR REPLACE FUNCTION latchkey_words(content text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  words text;
BEGIN
  IF content LIKE '"%' THEN
    words := content::jsonb #>> '{}';
  ELSE
    -- The types of parts are no words that somebody said. In the text of jsonb, a key stands after a brace or a space.
    SELECT pg_catalog.string_agg(part #>> '{}', ' ') INTO words
    FROM pg_catalog.jsonb_path_query(
      pg_catalog.regexp_replace(content::jsonb::text, '([{ ])"type": "(?:[^"\\]|\\.)*"', '\1"type": 0', 'g')::jsonb,
      'strict $.** ? (@.type() == "string")') AS part;
  END IF;
  -- As SQLite has them: without case, accents of Latin letters, and marks that are no letters.
  IF pg_catalog.octet_length(words) > pg_catalog.length(words) THEN
    IF words ~ '[\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff\u212a\u212b]' THEN
      words := pg_catalog.regexp_replace(pg_catalog.normalize(words, 'NFD'), '([A-Za-z])[\u0300-\u036f]+', '\1', 'g');
      words := pg_catalog.regexp_replace(pg_catalog.normalize(words, 'NFC'), '[\u0300-\u036f]+', '', 'g');
    END IF;
    words := pg_catalog.translate(pg_catalog.lower(words), 'ςſµϐϑϕϖϰϱϵẛẞ', 'σsμβθφπκρεṡß');
  END IF;
  words := pg_catalog.regexp_replace(words, '[-#%&+./:<=>?@_~\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u2000-\u206f\u20a0-\u20cf\u2190-\u245f\u249c-\u24e9\u2500-\u2775\u2794-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u303d-\u303f\u30a0\u30fb\ufe00-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001f0ff\U0001f10d-\U0001faff]+', ' ', 'g');
  RETURN pg_catalog.to_tsvector('pg_catalog.simple', words);
EXCEPTION WHEN program_limit_exceeded OR untranslatable_character THEN
  -- More words than PostgreSQL takes, or NUL: the beginning is found.
  RETURN pg_catalog.to_tsvector('pg_catalog.simple', pg_catalog.left(content, 200000));
END $$;
--> statement-breakpoint
CREATE FUNCTION latchkey_sought(words text, is_start boolean) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  found tsquery;
BEGIN
  -- As SQLite has them: without case, accents of Latin letters, and marks that are no letters.
  IF pg_catalog.octet_length(words) > pg_catalog.length(words) THEN
    IF words ~ '[\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff\u212a\u212b]' THEN
      words := pg_catalog.regexp_replace(pg_catalog.normalize(words, 'NFD'), '([A-Za-z])[\u0300-\u036f]+', '\1', 'g');
      words := pg_catalog.regexp_replace(pg_catalog.normalize(words, 'NFC'), '[\u0300-\u036f]+', '', 'g');
    END IF;
    words := pg_catalog.translate(pg_catalog.lower(words), 'ςſµϐϑϕϖϰϱϵẛẞ', 'σsμβθφπκρεṡß');
  END IF;
  words := pg_catalog.regexp_replace(words, '[-#%&+./:<=>?@_~\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u2000-\u206f\u20a0-\u20cf\u2190-\u245f\u249c-\u24e9\u2500-\u2775\u2794-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u303d-\u303f\u30a0\u30fb\ufe00-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001f0ff\U0001f10d-\U0001faff]+', ' ', 'g');
  found := pg_catalog.phraseto_tsquery('pg_catalog.simple', words);
  -- More letters may follow the last word.
  RETURN CASE WHEN is_start AND pg_catalog.numnode(found) > 0 THEN (found::text || ':*')::tsquery ELSE found END;
END $$;
--> statement-breakpoint
CREATE INDEX "message_words" ON "messages" USING gin (latchkey_words("content"));
