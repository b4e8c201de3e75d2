"""What dealers write in cells where the catalogue has fixed words: conditions, availability, no price.

Used to suggest replacements, which a person sees and confirms; never by an import on its own.
"""


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split("|"))


ON_REQUEST = (
    "auf anfrage", "preis auf anfrage", "a.a.", "p.a.a.", "sur demande", "prix sur demande", "nous consulter", "su richiesta",
    "prezzo su richiesta", "trattativa riservata", "a consultar", "consultar", "precio a consultar", "op aanvraag",
    "prijs op aanvraag", "sob consulta", "preço sob consulta", "na zapytanie", "inquire", "enquire", "price on request",
    "call", "call for price", "contact us", "応談", "お問い合わせ", "ask",
)  # fmt: skip

# Column -> value of ours -> what stands for it in other languages, in small letters
CHOICES: dict[str, dict[str, str]] = {
    "condition": {
        "concours": "concours|concours condition|show condition|note 1|zustand 1|1+|perfekt|wie neu|comme neuf|come nuovo|como nuevo|nieuwstaat",
        "excellent": "excellent|mint|ausgezeichnet|hervorragend|exzellent|excellent état|eccellente|ottimo|ottime|excelente|uitstekend|doskonały|極上",
        "very_good": "very good|vg|sehr gut|très bon|très bon état|molto buono|muy bueno|muy buen estado|zeer goed|muito bom|bardzo dobry|美品",
        "good": "good|gut|bon|bon état|buono|buone|bueno|buen estado|goed|bom|dobry|良好",
        "fair": "fair|average|befriedigend|mittel|gebraucht|ausreichend|moyen|état moyen|assez bon|discreto|regular|redelijk|matig|razoável|średni|並",
        "project": "project|restoration project|for restoration|barn find|scheunenfund|projekt|restaurierungsobjekt|restaurationsobjekt|restaurierungsbedürftig|à restaurer|sortie de grange|da restaurare|para restaurar|te restaureren|restauratieproject|para restauro|do remontu|要修理",
    },
    "availability": {
        "available": "available|in stock|for sale|yes to sale|verfügbar|lieferbar|vorrätig|auf lager|zu verkaufen|disponible|en stock|à vendre|disponibile|in vendita|en venta|beschikbaar|te koop|op voorraad|disponível|à venda|em estoque|dostępny|na sprzedaż|在庫あり|販売中",
        "reserved": "reserved|on hold|deposit taken|under offer|sale pending|pending|reserviert|angezahlt|réservé|sous option|riservato|in trattativa|reservado|gereserveerd|onder optie|zarezerwowany|商談中",
        "sold": "sold|sold out|verkauft|vendu|venduto|vendido|verkocht|sprzedany|売約済|売り切れ",
        "not_for_sale": "not for sale|nfs|unverkäuflich|nicht zu verkaufen|pas à vendre|non à vendre|non in vendita|no en venta|no se vende|niet te koop|não está à venda|nie na sprzedaż|非売品",
    },
    "authenticity": {
        "screen_used": "screen used|screen-used|original aus dem film|filmoriginal|im film verwendet|utilisé à l'écran|vu à l'écran|usato nel film|usado en la película|originele filmauto",
        "stunt": "stunt|stunt car|stuntwagen|stuntfahrzeug|cascade|voiture de cascade|auto da stunt",
        "production_made": "production made|production-made|für die produktion gebaut|fabriqué pour le film",
        "promotional": "promotional|promo|werbefahrzeug|promotion|promotionnel|promozionale|promocional",
        "replica": "replica|replika|nachbau|réplique|replique|réplica|kopie|レプリカ",
        "same_model": "same model|gleiches modell|gleicher typ|même modèle|stesso modello|mismo modelo|zelfde model",
    },
    "status": {
        "draft": "draft|entwurf|brouillon|bozza|borrador|concept|rascunho|szkic",
        "published": "published|live|online|veröffentlicht|publié|pubblicato|publicado|gepubliceerd|opublikowany",
        "archived": "archived|archiviert|archivé|archiviato|archivado|gearchiveerd|arquivado",
    },
    "kind": {
        "vehicle": "vehicle|car|fahrzeug|auto|véhicule|voiture|veicolo|vehículo|coche|voertuig|veículo|pojazd",
        "memorabilia": "memorabilia|prop|props|requisite|requisiten|andenken|souvenir|accessoire|cimelio|recuerdo",
        "tool": "tool|tools|werkzeug|outil|utensile|attrezzo|herramienta|gereedschap|ferramenta|narzędzie",
        "film": "film|movie|feature film|spielfilm|kinofilm|long métrage|lungometraggio|película|speelfilm|filme|映画",
        "series": "series|tv series|tv show|tv|serie|fernsehserie|série|série tv|serie tv|serie televisiva|tv-serie|serial|ドラマ",
    },
    "role": {
        "hero": "hero|hero car|hauptfahrzeug|voiture principale|principale|principal",
        "stunt": "stunt|stunt car|stuntwagen|cascade",
        "camera": "camera|camera car|kamerawagen|caméra",
        "background": "background|hintergrund|arrière-plan|figurant|sfondo|fondo|achtergrond",
        "promotional": "promotional|promo|werbung|promotion",
        "replica": "replica|replika|nachbau|réplique|réplica",
        "other": "other|andere|sonstige|autre|altro|otro|anders|outro",
    },
}  # fmt: skip
YES = _split("yes|y|true|1|x|ja|j|oui|sì|si|sí|sim|tak|はい|有")
NO = _split("no|n|false|0|nein|non|nee|não|nie|いいえ|無")
NOTHING = _split(
    "na|n/a|n.a.|nan|null|none|nil|unknown|\\n|-|--|?|tbd|unbekannt|k.a.|k. a.|keine angabe|inconnu|s/o|nc|n.c.|sconosciuto|n.d.|desconocido|onbekend|desconhecido|nieznany|不明"
)
SOLD_TITLES = frozenset(("sold", "verkauft", "vendu", "venduto", "vendido", "verkocht"))


def words_of(column: str) -> dict[str, str]:
    """Return what may stand in a cell for each value of the column: the words, in small letters, by what they mean."""
    return {word: value for value, text in CHOICES.get(column, {}).items() for word in text.split("|")}
