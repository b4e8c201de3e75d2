"""What others call our columns, in the languages of dealers: titles by which a column is suggested, never bound.

English, German, French, Italian, Spanish, Dutch, Portuguese, and a little Polish and Japanese.
"""

import re
import unicodedata

from catalog.imports.columns import TARGETS, column_name

# Column of ours -> its other titles, with | between them. A title may stand under several columns, the likelier one first.
COLUMNS = {
    "reference": """
        Stock No|Stock Number|Stock Nr|Stock #|Stock ID|Stock|Ref|Ref No|Reference No|Reference Number|SKU|Item No
        |Item Number|Item ID|Item #|Article Number|Lot|Lot No|Lot Number|Lot #|Inventory No|Inventory Number|Inventory ID
        |Vehicle ID|Car ID|Product ID|Product Code|UID|UUID|PK|Nr|Tail Number|Tailnum|Registration Number|ID
        |Bestandsnummer|Bestandsnr|Lagernummer|Lagernr|Lager Nr|Fahrzeugnummer|Fahrzeugnr|Fahrzeug Nr|Fahrzeug ID
        |Artikelnummer|Artikelnr|Artikel Nr|Inventarnummer|Inventarnr|Interne Nummer|Angebotsnummer|Referenz
        |Referenznummer|Losnummer|Los Nr|Los|Objektnummer
        |Référence|Réf|Numéro de stock|N° de stock|N° stock|Numéro d'inventaire|Numéro de lot|N° de lot|N° lot
        |Riferimento|Rif|Codice|Codice articolo|Codice veicolo|Numero di stock|Numero di inventario|Lotto|N. lotto
        |Referencia|Número de stock|N.º de stock|Número de inventario|Código de artículo|Lote|Número de lote
        |Voorraadnummer|Voorraadnr|Referentie|Referentienummer|Kavel|Kavelnummer
        |Referência|Número de estoque|Número de inventário|Código
        |Numer katalogowy|Nr katalogowy|Numer magazynowy|Sygnatura|管理番号|在庫番号|商品番号|品番
    """,
    "name": """
        Title|Item|Item Name|Vehicle|Vehicle Name|Car|Car Name|Headline|Heading|Listing Title|Object|Lot Title|Product
        |Product Name
        |Bezeichnung|Titel|Fahrzeug|Fahrzeugbezeichnung|Objekt|Gegenstand|Artikel|Artikelbezeichnung|Auto|Name
        |Nom|Titre|Désignation|Intitulé|Objet|Véhicule|Voiture
        |Nome|Titolo|Denominazione|Oggetto|Veicolo
        |Nombre|Título|Denominación|Vehículo|Coche|Objeto
        |Naam|Voertuig|Veículo|Carro|Denominação
        |Nazwa|Tytuł|Pojazd|名称|名前|車名|商品名
    """,
    "make": """
        Manufacturer|Maker|Brand|Marque|Mfr|Vehicle Make|Car Make|Builder|Make Name
        |Marke|Hersteller|Fabrikat|Automarke|Marque|Constructeur|Fabricant
        |Marca|Costruttore|Produttore|Casa|Fabricante|Merk|Fabrikant|Montadora|Marka|Producent|メーカー|ブランド
    """,
    "model": """
        Model Name|Vehicle Model|Car Model|Type Designation|Variant|Series
        |Modell|Typ|Typbezeichnung|Modellbezeichnung|Baureihe|Baumuster|Ausführung
        |Modèle|Modello|Versione|Modelo|Versión|Modellnaam|Uitvoering|Modelnaam|Versão|車種|モデル
    """,
    "description": """
        Desc|Details|Text|Long Description|Full Description|Condition Report|Notes|Remarks|Comments|Catalogue Note|Lot Description|Extract|Summary
        |Beschreibung|Beschreibungstext|Fahrzeugbeschreibung|Bemerkung|Bemerkungen|Hinweise|Erläuterung|Langtext
        |Descriptif|Description du véhicule|Commentaire|Commentaires|Remarques
        |Descrizione|Note|Descripción|Observaciones|Comentarios|Omschrijving|Beschrijving|Opmerkingen
        |Descrição|Observações|Opis|説明|備考
    """,
    "production_years": """
        Year|Years|Model Year|Production Year|Year of Production|Year of Manufacture|Year Built|Built|Build Year|Yr|MY
        |Year of Construction|Manufacture Year|First Registration|First Registered|Date of First Registration
        |Baujahr|Baujahre|Bj|Herstellungsjahr|Produktionsjahr|Modelljahr|Jahrgang|Jahr|Erstzulassung|EZ|Erstzul
        |Année|Année de construction|Année de fabrication|Année de production|Année-modèle|Millésime|Première immatriculation|1ère immatriculation|Mise en circulation
        |Anno|Anno di costruzione|Anno di produzione|Anno modello|Immatricolazione|Prima immatricolazione
        |Año|Año de fabricación|Año de construcción|Año modelo|Primera matriculación|Matriculación
        |Bouwjaar|Jaar|Productiejaar|Eerste toelating|Ano|Ano de fabricação|Ano de fabrico|Ano do modelo|Primeira matrícula
        |Rok|Rok produkcji|Rocznik|年式|製造年
    """,
    "vehicle_types": """
        Body|Body Style|Body Type|Bodystyle|Type of Vehicle|Vehicle Class|Vehicle Type|VClass|Class|Category|Type
        |Fahrzeugart|Fahrzeugtyp|Fahrzeugkategorie|Karosserie|Karosserieform|Aufbau|Aufbauart|Bauform|Kategorie
        |Carrosserie|Type de véhicule|Type de carrosserie|Catégorie|Genre de véhicule
        |Carrozzeria|Tipo di veicolo|Categoria|Carrocería|Tipo de vehículo|Categoría
        |Carrosserievorm|Voertuigtype|Soort voertuig|Carroçaria|Carroceria|Tipo de veículo|Nadwozie|Typ nadwozia|ボディタイプ|車体形状
    """,
    "categories": """
        Category|Categories|Type|Class|Object Type|Item Type|Department
        |Kategorie|Kategorien|Warengruppe|Art|Objektart|Catégorie|Catégories|Type d'objet|Categoria|Categorie|Tipo|Tipo di oggetto
        |Categoría|Categorías|Tipo de objeto|Soort|Rubriek|Categorias|Kategoria|カテゴリ|カテゴリー
    """,
    "genres": """
        Genre|Film Genre|Movie Genre|Genre(s)|Filmgenre|Genres du film|Genere|Generi|Género|Géneros|Gênero|Gêneros|Gatunek|ジャンル
    """,
    "condition": """
        State|Grade|Cond|Condition Grade|Overall Condition|Item Condition
        |Zustand|Zustandsnote|Erhaltung|Erhaltungszustand|État|Etat général|État général
        |Condizione|Condizioni|Stato|Stato di conservazione|Estado|Condición|Estado de conservación
        |Staat|Conditie|Condição|Estado de conservação|Stan|状態|コンディション
    """,
    "authenticity": """
        Authentic|Originality|Screen Used|Screen-used|Provenance Type|Authentizität|Echtheit|Originalität
        |Authenticité|Originalité|Autenticità|Originalità|Autenticidad|Originalidad|Authenticiteit|Echtheid|Autenticidade|真贋
    """,
    "chassis_number": """
        Chassis|Chassis No|Chassis Nr|Chassis #|VIN|VIN Number|Vehicle Identification Number|VIN/Chassis|Frame Number|Serial Number|Serial No
        |Fahrgestellnummer|Fahrgestellnr|Fahrgestell Nr|Fahrgestell|FIN|FIN/VIN|Fahrzeugidentifikationsnummer|Fahrzeugidentnummer|Fahrzeug-Ident-Nr|Identnummer|Rahmennummer
        |Numéro de châssis|N° de châssis|N° châssis|Châssis|Numéro de série|VIN châssis
        |Numero di telaio|Numero telaio|N. telaio|Telaio|Número de bastidor|Bastidor|N.º de bastidor|Número de chasis|Chasis
        |Chassisnummer|Chassisnr|Número do chassi|Número de chassi|Chassi|Numer podwozia|Nr VIN|Numer VIN|車台番号|シャーシ番号
    """,
    "specs": "Specifications|Specification|Technical Data|Technische Daten|Caractéristiques|Specifiche|Dati tecnici|Especificaciones|Specificaties|諸元",
    "provenance": """
        History|Ownership History|Owners|Origin|Herkunft|Provenienz|Historie|Geschichte|Vorbesitzer|Historique|Origine|Provenienza|Storia
        |Procedencia|Historia|Historial|Herkomst|Geschiedenis|Proveniência|Procedência|História|Pochodzenie|来歴|由来
    """,
    "price": """
        Asking Price|Sale Price|Sales Price|List Price|Retail Price|Amount|Price EUR|Price USD|Price GBP|Price (EUR)|Price (USD)|Price (GBP)
        |Hammer Price|Price in EUR|Price in USD|Price in GBP|Asking
        |Preis|Verkaufspreis|VK|VK Preis|Preis in Euro|Preis in EUR|Preis (EUR)|Preis €|Preis (€)|Bruttopreis|Endpreis|Angebotspreis|Kaufpreis|Listenpreis
        |Prix|Prix de vente|Prix TTC|Prix demandé|Montant|Prix (EUR)|Prix (€)|Prix €
        |Prezzo|Prezzo di vendita|Importo|Prezzo (€)|Prezzo €|Precio|Precio de venta|Importe|Precio (€)|Precio €
        |Prijs|Vraagprijs|Verkoopprijs|Prijs (€)|Preço|Preço de venda|Valor|Cena|Cena sprzedaży|価格|販売価格|値段
    """,
    "currency": """
        Curr|Ccy|Currency Code|Price Currency|Währung|Währungscode|Waehrung|Devise|Monnaie|Valuta|Divisa|Moneda|Munteenheid|Moeda|Waluta|通貨
    """,
    "availability": """
        Available|In Stock|Stock Status|Sale Status|Sold|Verfügbar|Verfügbarkeit|Lieferbar|Verkaufsstatus|Verkauft|Disponibilité|Disponible|Disponibilità|Disponibile
        |Disponibilidad|Beschikbaar|Beschikbaarheid|Disponibilidade|Disponível|Dostępność|在庫状況
    """,
    "status": "State of Publication|Publication Status|Veröffentlichung|Veröffentlichungsstatus|Statut|Statut de publication|Stato di pubblicazione|Estado de publicación",
    "published_at": """
        Published|Publication Date|Date Published|Online Since|Listed|Date Listed|Listing Date|Release Date
        |Veröffentlicht|Veröffentlicht am|Online seit|Eingestellt am|Einstelldatum|Publié le|Date de publication|Mise en ligne
        |Pubblicato|Pubblicato il|Data di pubblicazione|Publicado|Fecha de publicación|Gepubliceerd|Publicatiedatum|Data de publicação|公開日
    """,
    "location": """
        Place|City|Site|Warehouse|Showroom|Country|Where|Branch|Standort|Ort|Lagerort|Stellplatz|Filiale|Ausstellungsort|Land
        |Lieu|Emplacement|Ville|Localisation|Pays|Luogo|Posizione|Sede|Città|Ubicazione|Ubicación|Lugar|Ciudad|Localización
        |Locatie|Plaats|Vestiging|Localização|Local|Cidade|Lokalizacja|Miejsce|所在地|場所|保管場所
    """,
    "appearances": """
        Films|Movies|Film|Movie|Seen In|Appears In|Appeared In|Production|Productions|Screen Credits|Filme|Auftritte|Filmauftritte|Bekannt aus
        |Apparitions|Film(s)|Vu dans|Apparizioni|Pellicole|Películas|Apariciones|Verschenen in|Filmes|Aparições|Filmy|出演作品|映画
    """,
    "slug": "URL|URL Slug|Permalink|Handle|URL Name",
    "kind": "Item Kind|Object Kind|Art des Objekts|Format|Production Type",
    "title": """
        Film|Movie|Film Title|Movie Title|Name|Production|Production Title|Show|Series Title|Original Title|Primary Title
        |Titel|Filmtitel|Originaltitel|Titre|Titre du film|Titre original|Titolo|Titolo del film|Título|Título original|Título de la película
        |Película|Pellicola|Filme|Título do filme|Tytuł|Tytuł filmu|題名|タイトル|作品名|映画
    """,
    "years": """
        Year|Release Year|Year of Release|Released|Release Date|Aired|Jahr|Erscheinungsjahr|Produktionsjahr|Kinostart|Année|Année de sortie|Date de sortie
        |Anno|Anno di uscita|Año|Año de estreno|Jaar|Ano|Ano de lançamento|Rok|公開年|年
    """,
    "year": """
        Years|Release Year|Year of Release|Film Year|Jahr|Erscheinungsjahr|Année|Anno|Año|Jaar|Ano|Rok|公開年|年
    """,
    "franchise": "Series|Saga|Universe|Film Series|Reihe|Filmreihe|Série|Serie|Saga cinematografica|シリーズ",
    "external_ids": "External IDs|External Identifiers",
    "vocabulary": "List|Term Type|Vokabular|Vocabulaire|Vocabolario|Vocabulario",
    "aliases": "Alias|Synonyms|Synonym|Other Names|Other Spellings|Also Known As|AKA|Synonyme|Andere Namen|Synonymes|Sinonimi|Sinónimos|Synoniemen|Sinônimos",
    "production": "Production Slug|Film Slug",
    "role": "Appears As|Used As|Use|Rolle|Verwendung|Rôle|Ruolo|Uso|Papel|Rol|Gebruik|Rola|役割",
    "notes": "Note|Remarks|Comments|Notiz|Notizen|Bemerkung|Bemerkungen|Anmerkung|Remarques|Commentaires|Osservazioni|Notas|Observaciones|Opmerkingen|Uwagi|備考",
    "key": "File|File Name|Filename|Path|Object Key|S3 Key|Image|Picture|Photo|Datei|Dateiname|Bild|Foto|Pfad|Fichier|Nom du fichier|Chemin|Image File|File|Nome file|Percorso|Archivo|Imagen|Ruta|Bestand|Bestandsnaam|Afbeelding|Arquivo|Imagem|Plik|画像|ファイル名",
    "position": "Order|Sort|Sort Order|Sequence|No|Number|Reihenfolge|Sortierung|Ordre|Ordine|Orden|Volgorde|Ordem|Kolejność|順番",
    "alt_text": "Alt|Alt Text|Alternative Text|Alternativtext|Texte alternatif|Testo alternativo|Texto alternativo|Alternatieve tekst",
    "caption": "Legend|Bildunterschrift|Légende|Didascalia|Leyenda|Pie de foto|Bijschrift|Legenda|Podpis|キャプション",
    "focal_x": "Focus X|Focal Point X|Center X",
    "focal_y": "Focus Y|Focal Point Y|Center Y",
}

# Titles of columns that name a car by make and model in one text
CARS = """
    Make and Model|Make & Model|Make/Model|Make Model|Year Make Model|Year/Make/Model|Year, Make, Model|Year Make and Model
    |Marke und Modell|Marke & Modell|Marke/Modell|Marke Modell|Marke, Modell|Fabrikat und Typ|Marke und Typ|Marke/Typ
    |Marque et modèle|Marque/Modèle|Marque & modèle|Marca e modello|Marca/Modello|Marca y modelo|Marca/Modelo|Marca e modelo
    |Merk en model|Merk/Model|Merk en type|Marka i model
"""

# Label under specs -> titles of columns that are a measure or a feature of a vehicle, not a column of ours.
SPECS = {
    "Engine": "Engine|Engine Type|Motor|Motortyp|Moteur|Motore|Silnik|エンジン|evMotor",
    "Engines": "Engines|Number of Engines",
    "Cylinders": "Cylinders|Cyl|Cyls|Zylinder|Cylindres|Cilindri|Cilindros|Cilinders|Cylindry|気筒数",
    "Displacement": "Displacement|Displ|Engine Size|Engine Capacity|CC|Capacity|Hubraum|Hubraum (ccm)|Cylindrée|Cilindrata|Cilindrada|Cilindraje|Cilinderinhoud|Pojemność|排気量",
    "Power": "Power|Power (HP)|Power (kW)|Horsepower|HP|BHP|PS|kW|Leistung|Leistung (PS)|Leistung (kW)|Puissance|Puissance (ch)|Potenza|Potenza (CV)|Potencia|Vermogen|Potência|Moc|馬力",
    "Torque": "Torque|Drehmoment|Couple|Coppia|Par motor|Koppel|Torque (Nm)",
    "Fuel": "Fuel|Fuel Type|FuelType|Kraftstoff|Kraftstoffart|Treibstoff|Carburant|Énergie|Carburante|Alimentazione|Combustible|Brandstof|Combustível|Paliwo|燃料",
    "Transmission": "Transmission|Trany|Trans|Gearbox|Getriebe|Getriebeart|Schaltung|Boîte de vitesses|Boîte|Transmission type|Cambio|Caja de cambios|Transmisión|Transmissie|Versnellingsbak|Versnelling|Câmbio|Skrzynia biegów|変速機|ミッション",
    "Drive": "Drive|Drivetrain|Drive Train|Drive Type|Driven Wheels|Antrieb|Antriebsart|Transmission aux roues|Trazione|Tracción|Aandrijving|Tração|Napęd|駆動方式",
    "Steering": "Steering|Steering Side|Steering Position|LHD/RHD|Drive Side|Lenkung|Lenkradposition|Direction|Guida|Volante|Stuur|ハンドル",
    "Mileage": "Mileage|Mileage (km)|Mileage (mi)|Odometer|Odometer Reading|Miles|Kilometres|Kilometers|km|KM|Kilometerstand|Laufleistung|km-Stand|Tachostand|Kilométrage|Chilometraggio|Km percorsi|Chilometri|Kilometraje|Kilómetros|Quilometragem|Quilómetros|Przebieg|走行距離",
    "Doors": "Doors|Number of Doors|Türen|Anzahl Türen|Portes|Nombre de portes|Porte|Puertas|Deuren|Portas|Drzwi|ドア数",
    "Seats": "Seats|Number of Seats|Seating|Passengers|Sitze|Sitzplätze|Places|Nombre de places|Posti|Plazas|Asientos|Zitplaatsen|Lugares|Miejsca|座席数|乗車定員",
    "Colour": "Colour|Color|Exterior Colour|Exterior Color|Ext Color|Paint|Farbe|Außenfarbe|Lackierung|Lackfarbe|Couleur|Couleur extérieure|Colore|Colore esterno|Color exterior|Kleur|Cor|Kolor|色|外装色",
    "Interior": "Interior|Interior Colour|Interior Color|Upholstery|Trim|Innenausstattung|Innenfarbe|Polster|Intérieur|Sellerie|Interni|Interior color|Tapicería|Interieur|Bekleding|Estofamento|Wnętrze|内装色",
    "Weight": "Weight|Kerb Weight|Curb Weight|Gewicht|Leergewicht|Poids|Peso|Masa|重量",
    "Length": "Length|Länge|Longueur|Lunghezza|Longitud|Lengte|Comprimento|Długość|全長",
    "Top speed": "Top Speed|Max Speed|Maximum Speed|Speed|Max Atmosphering Speed|Höchstgeschwindigkeit|Vmax|Vitesse maximale|Vitesse max|Velocità massima|Velocidad máxima|Topsnelheid|最高速度",
    "Engine number": "Engine Number|Engine No|Motornummer|Motornr|Numéro de moteur|N° moteur|Numero motore|Número de motor|エンジン番号",
    "Registration": "Registration|Reg|Licence Plate|License Plate|Plate|Kennzeichen|Amtliches Kennzeichen|Immatriculation|Plaque|Targa|Matrícula|Kenteken|Placa|Rejestracja|登録番号",
    "Crew": "Crew|Besatzung|Équipage|Equipaggio|Tripulación",
    "Cargo capacity": "Cargo Capacity|Ladekapazität|Zuladung|Payload|Nutzlast",
    "Number built": "Number Built|Units Built|Stückzahl|Production Number|Exemplaires|Esemplari",
}  # fmt: skip

# The same for the external_ids of productions
EXTERNAL_IDS = {
    "imdb": "IMDb|IMDb ID|IMDb Number|tconst",
    "tmdb": "TMDb|TMDb ID",
    "wikidata": "Wikidata|Wikidata ID|QID",
}

LONGEST = 100  # characters of a title that can mean a column


def plain(title: str) -> str:
    """Return a title without letter case, accents and punctuation, so that 'Stock No.' is 'stock no'."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", title[:LONGEST])
    base = unicodedata.normalize("NFKD", re.sub(r"#", " nr ", spaced.replace("°", " nr "))).casefold()
    letters = "".join(sign for sign in base if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^\w%]+|_", " ", unicodedata.normalize("NFC", letters)).split())


UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def _spelled(text: str) -> list[str]:
    """Return the titles as `plain` folds them, those with umlauts also as they are typed without."""
    titles = [title for alias in text.split("|") for title in (alias, alias.translate(UMLAUTS))]
    return [folded for title in titles if (folded := plain(title))]


ALIASES: dict[str, tuple[str, ...]] = {
    name: tuple(dict.fromkeys([plain(name), *_spelled(text)])) for name, text in COLUMNS.items()
}
CAR_TITLES = frozenset(_spelled(CARS))
ALIASES["name"] += tuple(sorted(CAR_TITLES))
# Column of labels and values -> title -> the label under which its cells are kept
LABELS: dict[str, dict[str, str]] = {
    column: {alias: label for label, text in reversed(labels.items()) for alias in _spelled(text)}
    for column, labels in (("specs", SPECS), ("external_ids", EXTERNAL_IDS))
}
LABELLED = frozenset(title for labels in LABELS.values() for title in labels)
# Titles that give way where another column of the file has a title that says more
SECOND = frozenset(
    _spelled(
        "ID|Nr|PK|UID|UUID|Code|Codice|Código|Kennung|Lot|Los|Lotto|Lote|Kavel|Item|Object|Objekt|Objet|Oggetto|Objeto|Artikel"
        "|Notes|Note|Remarks|Comments|Text|Summary|Bemerkung|Bemerkungen|Hinweise|Remarques|Commentaires|Observaciones|Opmerkingen"
        "|Observações|備考|First Registration|First Registered|Date of First Registration|Erstzulassung|EZ|Erstzul"
        "|Première immatriculation|1ère immatriculation|Mise en circulation|Immatricolazione|Prima immatricolazione"
        "|Primera matriculación|Matriculación|Eerste toelating|Primeira matrícula|Typ|Series|Baureihe|Variant|Versione|Versión|Versão"
        "|Country|Land|Pays|List Price|Listenpreis|Amount|Montant|Importo|Importe|Valor"
    )
)
# Title -> the columns that it may mean, the likeliest first
MEANT: dict[str, list[str]] = {}
for _name, _titles in ALIASES.items():
    for _title in dict.fromkeys(_titles):
        MEANT.setdefault(_title, []).append(_name)
NAMES = frozenset(column_name(name) for target in TARGETS.values() for name in target.by_name)
KNOWN = NAMES | MEANT.keys() | LABELLED


def recognised(header: list[str]) -> int:
    """Return how many of the cells are titles of columns: ours, or well-known ones in any language."""
    return len(
        {name for cell in header if (name := plain(cell)) and (name in KNOWN or column_name(cell) in NAMES)}
    )
