"""SQL that keeps what finding needs; migration 0007 creates it."""

# A = name, make, model, reference; B = titles of films and series; C = vocabularies; D = the long texts.
WORDS = r"""
CREATE FUNCTION catalog_item_words(
    name text, make text, model text, reference text, titles text,
    vehicle_types text[], categories text[], genres text[], description text, provenance text
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(to_tsvector('catalog_text', name || ' ' || make || ' ' || model || ' ' || reference), 'A')
        || setweight(to_tsvector('catalog_text', titles), 'B')
        || setweight(to_tsvector('catalog_text',
               catalog_joined(vehicle_types) || ' ' || catalog_joined(categories) || ' ' || catalog_joined(genres)), 'C')
        || setweight(to_tsvector('catalog_text', left(description, 100000) || ' ' || left(provenance, 100000)), 'D');

CREATE FUNCTION catalog_titles(wanted bigint) RETURNS text LANGUAGE sql STABLE
    RETURN (
        SELECT coalesce(string_agg(production.title || ' ' || production.franchise, ' ' ORDER BY production.id), '')
        FROM catalog_production production
        WHERE production.id IN (SELECT production_id FROM catalog_appearance WHERE item_id = wanted)
    );

-- words, "phrases", -not, or: as websearch_to_tsquery reads them; and begi* for how a word begins. A minus that stands
-- before no word says nothing, and a heap of them would be more than a query can hold. The parser may cut off the mark
-- of a prefix (1.5*, A_*), which then goes to the word before it, and is a word like any other where there is none.
CREATE FUNCTION catalog_query(words text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(regexp_replace(
        websearch_to_tsquery('catalog_text', regexp_replace(regexp_replace(
            words, '(?<=[^\s[:alnum:]])-|-(?![[:alnum:]"])', ' ', 'g'), '(\w)\*', '\1zqprefixqz ', 'g'))::text,
        ''' (<->|&) ''zqprefixqz''(?!'')', 'zqprefixqz''', 'g'),
        '([^''])zqprefixqz''(?!'')', '\1'':*', 'g'
    )::tsquery;

CREATE FUNCTION catalog_folded(words text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN lower(unaccent(words) COLLATE "pg_c_utf8");

-- HTML with <mark> around what was found; NULL where nothing was. The two letters that stand for the marks until
-- the text is safe are of Unicode's private use.
CREATE FUNCTION catalog_marked(words text, query tsquery, options text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (
        SELECT CASE WHEN strpos(found, U&'\E000') > 0 THEN
            replace(replace(
                replace(replace(replace(replace(found, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'),
                U&'\E000', '<mark>'), U&'\E001', '</mark>') END
        FROM ts_headline('catalog_text', translate(words, U&'\E000\E001', ''), query,
                         U&'StartSel=\E000, StopSel=\E001, ' || options) AS found
    );

CREATE FUNCTION catalog_highlights(name text, make text, model text, description text, query tsquery) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN json_strip_nulls(json_build_object(
        'name', catalog_marked(name, query, 'HighlightAll=true'),
        'make', catalog_marked(make, query, 'HighlightAll=true'),
        'model', catalog_marked(model, query, 'HighlightAll=true'),
        'description', catalog_marked(left(description, 20000), query, 'MaxFragments=1, MinWords=15, MaxWords=30')));

CREATE FUNCTION catalog_distinct(words text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT array_agg(DISTINCT word) FROM unnest(words) AS word);

CREATE FUNCTION catalog_years(years integer[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT array_agg(DISTINCT year::text) FROM unnest(years) AS year);

CREATE FUNCTION catalog_decades(years integer[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT array_agg(DISTINCT (year / 10 * 10)::text) FROM unnest(years) AS year);

-- The lower end of a price's bracket: 0, 1, 2, 5, 10, 20, 50 ...; NULL for a price on request.
CREATE FUNCTION catalog_bracket(price numeric) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN price < 1 THEN '0'
        ELSE CASE WHEN trunc(price)::text >= '5' THEN '5' WHEN trunc(price)::text >= '2' THEN '2' ELSE '1' END
            || repeat('0', length(trunc(price)::text) - 1)
    END;
"""

NO_WORDS = """
DROP FUNCTION catalog_bracket(numeric);
DROP FUNCTION catalog_decades(integer[]);
DROP FUNCTION catalog_years(integer[]);
DROP FUNCTION catalog_distinct(text[]);
DROP FUNCTION catalog_highlights(text, text, text, text, tsquery);
DROP FUNCTION catalog_marked(text, tsquery, text);
DROP FUNCTION catalog_folded(text);
DROP FUNCTION catalog_query(text);
DROP FUNCTION catalog_titles(bigint);
DROP FUNCTION catalog_item_words(text, text, text, text, text, text[], text[], text[], text, text);
"""

# Nobody writes from here to the triggers, which stand at the migration's end; else such an item would never be found.
FILL = """
LOCK TABLE catalog_item, catalog_appearance, catalog_production IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO catalog_itemsearch (item_id, words)
SELECT id, catalog_item_words(name, make, model, reference, catalog_titles(id), vehicle_types, categories, genres,
                              description, provenance)
FROM catalog_item;
INSERT INTO catalog_itemchange (item_id) SELECT id FROM catalog_item;
"""

# Statement level, like history: one call for all rows of a bulk statement. The words' rows are locked before
# they are made anew, so that of two transactions that touch one item (a title, a name) the later one sees both.
# Always by the key's index: a plan made for many rows would serve single ones badly for the session's life.
# Bitmaps lie in their rows as they are: to decompress them would take several times as long as to combine them.
INLINE = "ALTER TABLE catalog_facetbits ALTER COLUMN bits SET STORAGE PLAIN"

# How often each word occurs: without it, a query of a word that hardly anything has would be planned as if many
# items had it, and would look at all of them.
STATISTICS = """
ALTER TABLE catalog_itemsearch ALTER COLUMN words SET STATISTICS 1000;
ANALYZE catalog_itemsearch;
"""

TRIGGERS = """
CREATE FUNCTION catalog_words_again(items bigint[]) RETURNS void LANGUAGE plpgsql
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM catalog_itemsearch WHERE item_id = ANY(items) ORDER BY item_id FOR UPDATE;
    UPDATE catalog_itemsearch search SET words = made.words
    FROM (
        SELECT id, catalog_item_words(name, make, model, reference, catalog_titles(id), vehicle_types, categories,
                                      genres, description, provenance) AS words
        FROM catalog_item WHERE id = ANY(items)
    ) made
    WHERE search.item_id = made.id AND search.words <> made.words;
    INSERT INTO catalog_itemchange (item_id) SELECT unnest(items);
END $$;

CREATE FUNCTION catalog_items_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_itemsearch (item_id, words)
    SELECT id, catalog_item_words(name, make, model, reference, '', vehicle_types, categories, genres, description,
                                  provenance)
    FROM written;
    INSERT INTO catalog_itemchange (item_id) SELECT id FROM written;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_items_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_words_again(ARRAY(SELECT id FROM written));
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_items_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM catalog_itemsearch WHERE item_id = ANY(ARRAY(SELECT id FROM gone));
    INSERT INTO catalog_itemchange (item_id) SELECT id FROM gone;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_items_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM catalog_itemsearch;
    DELETE FROM catalog_itemchange;
    DELETE FROM catalog_facetbits;
    DELETE FROM catalog_facetslot;
    DELETE FROM catalog_searchword;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_appearances_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Waits for a title that is being changed, and holds up those that come later.
    PERFORM FROM catalog_production WHERE id = ANY(ARRAY(SELECT production_id FROM written)) ORDER BY id FOR SHARE;
    PERFORM catalog_words_again(ARRAY(SELECT DISTINCT item_id FROM written));
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_appearances_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM catalog_production WHERE id = ANY(ARRAY(SELECT production_id FROM written)) ORDER BY id FOR SHARE;
    PERFORM catalog_words_again(ARRAY(SELECT item_id FROM written UNION SELECT item_id FROM before));
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_productions_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_words_again(ARRAY(
        SELECT DISTINCT item_id FROM catalog_appearance WHERE production_id = ANY(ARRAY(SELECT id FROM written))));
    RETURN NULL;
END $$;

CREATE TRIGGER catalog_finding_added AFTER INSERT ON catalog_item REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_items_added();
CREATE TRIGGER catalog_finding_changed AFTER UPDATE ON catalog_item REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_items_changed();
CREATE TRIGGER catalog_finding_gone AFTER DELETE ON catalog_item REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_items_gone();
CREATE TRIGGER catalog_finding_emptied AFTER TRUNCATE ON catalog_item
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_items_emptied();
CREATE TRIGGER catalog_finding_added AFTER INSERT ON catalog_appearance REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_appearances_written();
CREATE TRIGGER catalog_finding_changed AFTER UPDATE ON catalog_appearance
    REFERENCING OLD TABLE AS before NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_appearances_changed();
CREATE TRIGGER catalog_finding_gone AFTER DELETE ON catalog_appearance REFERENCING OLD TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_appearances_written();
CREATE TRIGGER catalog_finding_changed AFTER UPDATE ON catalog_production REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_productions_changed();
"""

NO_TRIGGERS = """
DROP TRIGGER catalog_finding_changed ON catalog_production;
DROP TRIGGER catalog_finding_gone ON catalog_appearance;
DROP TRIGGER catalog_finding_changed ON catalog_appearance;
DROP TRIGGER catalog_finding_added ON catalog_appearance;
DROP TRIGGER catalog_finding_emptied ON catalog_item;
DROP TRIGGER catalog_finding_gone ON catalog_item;
DROP TRIGGER catalog_finding_changed ON catalog_item;
DROP TRIGGER catalog_finding_added ON catalog_item;
DROP FUNCTION catalog_productions_changed();
DROP FUNCTION catalog_appearances_changed();
DROP FUNCTION catalog_appearances_written();
DROP FUNCTION catalog_items_emptied();
DROP FUNCTION catalog_items_gone();
DROP FUNCTION catalog_items_changed();
DROP FUNCTION catalog_items_added();
DROP FUNCTION catalog_words_again(bigint[]);
"""
