"""SQL functions that the tables and the imports use; migration 0001 creates them."""

# Generated columns need IMMUTABLE functions, and array_to_string is only STABLE because it must
# serve any element type; for text elements it never changes. Same for unaccent: its rules file
# changes only with an upgrade of the extension.
CREATE_FUNCTIONS = r"""
CREATE TEXT SEARCH CONFIGURATION catalog_text (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION catalog_text
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;

CREATE FUNCTION catalog_joined(words text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(words, ' ');

CREATE FUNCTION catalog_item_search(
    name text, make text, model text, reference text,
    vehicle_types text[], categories text[], genres text[], description text, provenance text
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(to_tsvector('catalog_text', name || ' ' || make || ' ' || model || ' ' || reference), 'A')
        || setweight(to_tsvector('catalog_text',
               catalog_joined(vehicle_types) || ' ' || catalog_joined(categories) || ' ' || catalog_joined(genres)), 'B')
        || setweight(to_tsvector('catalog_text', left(description, 100000) || ' ' || left(provenance, 100000)), 'D');

-- "Aston Martin DB5", "B-0042" -> aston-martin-db5-b-0042; text without a Latin letter or digit -> item-<hash>
CREATE FUNCTION catalog_slug(name text, reference text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(
        nullif(left(trim(both '-' from regexp_replace(
            lower(unaccent(normalize(name, NFKC) || '-' || normalize(reference, NFKC))), '[^a-z0-9]+', '-', 'g')), 240), ''),
        'item-' || left(md5(reference), 10));

-- The slug, or with a hash of the reference behind it where another item has or had that slug.
CREATE FUNCTION catalog_unused_slug(wanted_name text, wanted_reference text) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    slug_text text := catalog_slug(wanted_name, wanted_reference);
BEGIN
    IF EXISTS (SELECT FROM catalog_item WHERE slug = slug_text)
       OR EXISTS (SELECT FROM catalog_oldslug WHERE slug = slug_text) THEN
        RETURN slug_text || '-' || left(md5(wanted_reference), 10);
    END IF;
    RETURN slug_text;
END $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION catalog_unused_slug(text, text);
DROP FUNCTION catalog_slug(text, text);
DROP FUNCTION catalog_item_search(text, text, text, text, text[], text[], text[], text, text);
DROP FUNCTION catalog_joined(text[]);
DROP TEXT SEARCH CONFIGURATION catalog_text;
"""
