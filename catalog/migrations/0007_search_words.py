"""Finding: words beside the items, bitmaps of their values, the words that there are.

On 1,000,000 items this takes some minutes, most of them for the words. Nothing is lost either way: all of it is
made from the items.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

import catalog.models.search
from catalog.migrations import _search


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_idempotency")]
    operations = [
        migrations.RunSQL(_search.WORDS, _search.NO_WORDS),
        migrations.CreateModel(
            name='ItemSearch',
            fields=[
                ('item', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='+', serialize=False, to='catalog.item')),
                ('words', django.contrib.postgres.search.SearchVectorField()),
            ],
        ),
        migrations.CreateModel(
            name='ItemChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('item_id', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='FacetSlot',
            fields=[
                ('item_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('slot', models.BigIntegerField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='FacetBits',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('facet', models.TextField()),
                ('value', models.TextField()),
                ('chunk', models.IntegerField()),
                ('bits', catalog.models.search.Bits()),
            ],
        ),
        migrations.CreateModel(
            name='SearchWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField()),
                ('text', models.TextField()),
                ('folded', models.TextField(help_text='The text without accents and capitals.')),
                ('witness', models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(_search.INLINE, migrations.RunSQL.noop),
        migrations.RunSQL(_search.FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='itemsearch',
            index=django.contrib.postgres.indexes.GinIndex(fields=['words'], name='catalog_itemsearch_words'),
        ),
        migrations.AddIndex(
            model_name='itemsearch',
            index=django.contrib.postgres.indexes.GinIndex(catalog.models.search.Headwords('words'), name='catalog_itemsearch_heads'),
        ),
        migrations.AddConstraint(
            model_name='facetbits',
            constraint=models.UniqueConstraint(fields=('facet', 'value', 'chunk'), name='catalog_facetbits_once'),
        ),
        migrations.AddIndex(
            model_name='facetbits',
            index=models.Index(fields=['chunk'], name='catalog_facetbits_chunk'),
        ),
        migrations.AddConstraint(
            model_name='searchword',
            constraint=models.UniqueConstraint(fields=('kind', 'text'), name='catalog_searchword_once'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=models.Index(django.contrib.postgres.indexes.OpClass('folded', name='text_pattern_ops'), name='catalog_searchword_begins'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=django.contrib.postgres.indexes.GistIndex(django.contrib.postgres.indexes.OpClass('folded', name='gist_trgm_ops'), name='catalog_searchword_near'),
        ),
        migrations.RemoveIndex(model_name='item', name='catalog_item_search'),
        migrations.RemoveField(model_name='item', name='search'),
        migrations.AlterField(
            model_name='itemsearch',
            name='item',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='search', serialize=False, to='catalog.item'),
        ),
        migrations.RunSQL(_search.STATISTICS, migrations.RunSQL.noop),
        migrations.RunSQL(_search.TRIGGERS, _search.NO_TRIGGERS),
    ]  # fmt: skip
