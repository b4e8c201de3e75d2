"""Silhouettes for placeholder pictures: a few shapes each, on a canvas of 100 x 60 units with the ground at 50."""

from dataclasses import dataclass

Point = tuple[float, float]

SOLID, CUT, GLASS = 255, 0, 90  # how much of the silhouette's colour a shape lays down


@dataclass(frozen=True)
class Body:
    """A closed outline; `smooth` rounds its corners."""

    points: tuple[Point, ...]
    ink: int = SOLID
    smooth: bool = True


@dataclass(frozen=True)
class Disc:
    x: float
    y: float
    radius: float
    ink: int = SOLID


@dataclass(frozen=True)
class Bar:
    """A line with round ends through the points."""

    points: tuple[Point, ...]
    width: float = 1.5
    ink: int = SOLID


Shape = Body | Disc | Bar
Silhouette = tuple[Shape, ...]


def box(x: float, y: float, width: float, height: float, ink: int = SOLID) -> Body:
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    return Body(corners, ink, smooth=False)


def wheels(*places: float, radius: float = 5.5) -> Silhouette:
    """Return road wheels that stand on the ground: a gap to the body, the tyre, the rim."""
    y = 50 - radius
    return tuple(
        Disc(x, y, size, ink)
        for x in places
        for size, ink in ((radius + 1, CUT), (radius, SOLID), (radius * 0.55, GLASS), (radius * 0.2, SOLID))
    )


CAR: Silhouette = (
    Body(((11, 43), (11, 36), (17, 33.5), (31, 32), (39, 24.5), (47, 23.5), (57, 24), (67, 31.5), (83, 33.5),
          (89, 37), (89.5, 43), (86, 46), (14, 46))),
    Body(((34.5, 32), (40.5, 26.2), (48, 25.4), (48, 32)), GLASS, smooth=False),
    Body(((49.5, 32), (49.5, 25.4), (56.5, 25.8), (64, 32)), GLASS, smooth=False),
    *wheels(26, 74),
)  # fmt: skip
SPORTS_CAR: Silhouette = (
    Body(((8, 42), (9, 36.5), (16, 34), (32, 31.5), (44, 27), (53, 26.5), (66, 32.5), (82, 35), (91, 39.5),
          (92, 43.5), (87, 46), (12, 46))),
    Body(((39, 32.5), (46, 28.6), (52.5, 28.4), (61, 32.8)), GLASS, smooth=False),
    *wheels(24, 76, radius=6),
)  # fmt: skip
MUSCLE_CAR: Silhouette = (
    Body(((6, 42), (6.5, 35), (12, 32), (22, 29.5), (34, 25), (45, 24.5), (54, 30.5), (74, 31.5), (91, 33.5),
          (94, 37), (93.5, 43), (89, 46), (10, 46))),
    Body(((32, 30.5), (37, 26.8), (44.5, 26.5), (50.5, 31)), GLASS, smooth=False),
    *wheels(22, 77, radius=6.2),
)  # fmt: skip
CONVERTIBLE: Silhouette = (
    Body(((10, 43), (10, 36.5), (17, 33.5), (34, 33), (56, 33), (78, 33.5), (88, 37), (90, 43), (86, 46), (14, 46))),
    Bar(((60, 33.5), (55.5, 25.5)), 1.3),
    Disc(42, 31.5, 2.6), Disc(48, 31.5, 2.6),
    Bar(((18, 32.6), (36, 32.2)), 2.6),
    *wheels(25, 75),
)  # fmt: skip
RACE_CAR: Silhouette = (
    Body(((5, 42), (6, 33), (14, 32), (30, 31.5), (42, 28.5), (52, 28), (60, 33), (72, 34), (88, 39), (95, 44),
          (92, 46.5), (9, 46.5))),
    Body(((44, 32.5), (47, 30), (51.5, 30), (56, 33)), GLASS, smooth=False),
    Body(((3, 27.5), (14, 28.5), (14, 32.5), (8, 33)), smooth=False),
    Disc(47, 39, 4.6, GLASS),
    *wheels(22, 76, radius=6.4),
)  # fmt: skip
OFF_ROAD: Silhouette = (
    Body(((14, 43), (14, 22.5), (17, 21), (52, 21), (57, 22), (62, 31), (83, 32), (86, 34), (86, 43), (83, 45),
          (16, 45)), smooth=False),
    box(18, 24, 11, 7.5, GLASS), box(32, 24, 10, 7.5, GLASS),
    Body(((45, 24), (54.5, 24), (58.5, 31.5), (45, 31.5)), GLASS, smooth=False),
    Disc(12.5, 35, 4.5), *wheels(29, 72, radius=6.8),
)  # fmt: skip
PICKUP: Silhouette = (
    Body(((8, 43), (8, 32), (40, 32), (42, 21.5), (62, 21.5), (67.5, 31), (86, 32.5), (89, 35), (89, 43), (86, 45),
          (10, 45)), smooth=False),
    box(45, 24, 8, 7.5, GLASS), Body(((55, 24), (61, 24), (65, 31.5), (55, 31.5)), GLASS, smooth=False),
    *wheels(24, 75, radius=6.5),
)  # fmt: skip
VAN: Silhouette = (
    Body(((12, 42), (12, 22), (15, 19), (58, 18.5), (68, 20), (76, 30), (86, 33), (88, 37), (88, 43), (85, 45.5),
          (14, 45.5))),
    Body(((62, 22), (67, 22.6), (73, 30.5), (62, 30.5)), GLASS, smooth=False),
    box(44, 22, 14, 8.5, GLASS), Bar(((14, 36), (84, 36)), 1.0, GLASS),
    *wheels(27, 74),
)  # fmt: skip
BUS: Silhouette = (
    Body(((9, 43), (9, 16), (12, 13.5), (86, 13.5), (90, 17), (91, 43), (88, 46), (12, 46))),
    *(box(x, 18, 9.5, 9, GLASS) for x in (13, 25, 37, 49, 61)), box(75, 18, 11.5, 24, GLASS),
    Bar(((13, 33), (71, 33)), 1.0, GLASS),
    *wheels(26, 68),
)  # fmt: skip
MOTORHOME: Silhouette = (
    Body(((8, 43), (8, 16), (10, 14), (84, 14), (90, 20), (91, 43), (88, 46), (11, 46))),
    Body(((76, 18), (83, 18), (87.5, 23), (88, 30), (76, 30)), GLASS, smooth=False),
    box(14, 19, 14, 8, GLASS), box(33, 19, 12, 8, GLASS), box(52, 19, 8, 23, GLASS),
    Bar(((10, 33), (50, 33)), 1.2, GLASS), box(24, 11, 12, 3),
    *wheels(25, 74),
)  # fmt: skip
TRUCK: Silhouette = (
    Body(((6, 41), (6, 37), (40, 37), (40, 14), (58, 14), (61, 26), (86, 28), (90, 31), (91, 43), (40, 44)),
         smooth=False),
    Body(((46, 17.5), (56, 17.5), (58, 26), (46, 26)), GLASS, smooth=False),
    Bar(((42.5, 36), (42.5, 6)), 2.0), Bar(((70, 30), (70, 40)), 0.9, GLASS), Bar(((76, 30), (76, 40)), 0.9, GLASS),
    *wheels(15, 30, 80, radius=7),
)  # fmt: skip
TRACKED: Silhouette = (
    Body(((14, 47), (9, 42), (13, 37), (85, 37), (91, 42), (86, 47)), smooth=False),
    *(Disc(x, 43, 3.6, GLASS) for x in (18, 29, 40, 51, 62, 73, 83)),
    Body(((16, 36), (21, 29), (76, 29), (84, 36)), smooth=False),
    Body(((34, 29), (37, 21), (58, 20), (64, 24), (65, 29))), Bar(((62, 24.5), (95, 22.5)), 2.0),
)  # fmt: skip
TRACTOR: Silhouette = (
    Body(((40, 44), (40, 32), (46, 30), (80, 30), (83, 33), (83, 42), (60, 42), (52, 46))),
    Bar(((57, 31), (52, 21)), 1.2), Bar(((48.5, 22), (55, 20)), 1.4), Bar(((30, 27), (32, 33), (42, 33)), 2.4),
    Bar(((73, 30), (73, 22)), 1.3), *wheels(38, radius=11), *wheels(76, radius=6.5),
)  # fmt: skip
MOTORCYCLE: Silhouette = (
    *wheels(26, 75, radius=10),
    Bar(((26, 40), (46, 41), (60, 31), (42, 30), (46, 41)), 1.8), Bar(((75, 40), (65, 22)), 1.7),
    Body(((43, 31), (47, 26), (58, 25), (64, 29), (58, 33), (46, 33))),
    Body(((20, 30), (28, 27.5), (44, 29), (44, 32), (26, 32.5))),
    Body(((42, 44), (43, 35), (56, 34), (59, 42), (55, 46))), Bar(((65, 22), (58, 19.5)), 1.4), Disc(68, 26, 2.8),
    Bar(((52, 45), (26, 46)), 2.0),
)  # fmt: skip
SCOOTER: Silhouette = (
    *wheels(29, 73, radius=6.5),
    Body(((20, 41), (22, 33), (32, 30), (44, 32), (48, 44), (40, 46), (36, 40), (28, 37), (22, 42))),
    Body(((44, 43), (62, 43), (66, 24), (69.5, 24), (67, 46), (46, 47))), Bar(((67.5, 26), (64.5, 16), (58.5, 14)), 1.8),
    Body(((24, 30), (27, 27), (42, 27.5), (45, 31), (30, 32))), Disc(68, 17.5, 2.4),
    Body(((64, 42), (68, 35.5), (78, 36.5), (82, 42), (74, 39))),
)  # fmt: skip
BICYCLE: Silhouette = (
    *(shape for x in (28, 74) for shape in (Disc(x, 39, 11), Disc(x, 39, 9.6, CUT), Disc(x, 39, 1.3))),
    Bar(((28, 39), (49, 39), (65, 25), (43, 26), (49, 39)), 1.5), Bar(((28, 39), (43, 26), (41.5, 21)), 1.3),
    Bar(((36.5, 20.5), (46, 20.5)), 2.0), Bar(((74, 39), (64, 19), (57.5, 17)), 1.5), Disc(49, 39, 2.6),
    box(62, 11, 13, 8, GLASS), Bar(((49, 39), (52, 45)), 1.2),
)  # fmt: skip
HELICOPTER: Silhouette = (
    Body(((42, 36), (44, 27), (54, 22.5), (68, 22.5), (79, 28), (83, 35), (77, 41), (52, 42))),
    Body(((66, 25.5), (72, 26.5), (78.5, 32), (79.5, 35), (67, 34.5)), GLASS, smooth=False), box(55, 26, 8, 8, GLASS),
    Body(((46, 27.5), (47, 34), (12, 28), (9, 17), (12.5, 16.5), (17, 25)), smooth=False),
    Bar(((58, 23), (58, 16)), 2.0), Bar(((20, 14.5), (96, 14.5)), 1.2), Disc(58, 14.5, 1.8),
    Bar(((5, 24), (17, 16)), 1.0), Bar(((46, 48), (80, 48), (84, 45.5)), 1.3), Bar(((54, 41), (52, 48)), 1.1),
    Bar(((72, 41), (74, 48)), 1.1),
)  # fmt: skip
AUTOGYRO: Silhouette = (
    Body(((34, 41), (40, 35), (58, 34), (72, 36), (80, 41), (70, 44), (42, 44))), Disc(56, 30, 2.8),
    Bar(((48, 36), (46, 16)), 1.6), Bar(((10, 13.5), (46, 15.5), (84, 19)), 1.1), Bar(((62, 35), (65, 29.5)), 1.0),
    Body(((36, 40), (18, 38.5), (12, 26), (17, 26), (22, 36))), Bar(((35, 27), (35, 44)), 1.3),
    *wheels(46, 72, radius=4),
)  # fmt: skip
AIRCRAFT: Silhouette = (
    Body(((8, 34), (9, 31), (34, 28.5), (58, 26.5), (78, 28), (84, 32), (80, 37.5), (60, 39.5), (30, 37))),
    Body(((8, 33.5), (4, 19), (10, 18.5), (18, 31)), smooth=False), Disc(86, 33, 2.2), Bar(((86.5, 20), (86.5, 46)), 1.3),
    Body(((47, 27.5), (50, 22.5), (58, 22.5), (62, 27)), GLASS, smooth=False),
    Body(((44, 36), (74, 35), (76, 37.5), (46, 40))), Bar(((4, 33), (16, 32)), 2.0), Bar(((66, 38), (70, 46)), 1.4),
    *wheels(70, radius=4), Disc(14, 40, 1.8), Bar(((12, 34), (14, 40)), 1.0),
)  # fmt: skip
BIPLANE: Silhouette = (
    *AIRCRAFT, Bar(((46, 17), (78, 16)), 2.6), Bar(((52, 17), (54, 37)), 1.0), Bar(((72, 16.5), (70, 36)), 1.0),
)  # fmt: skip
SEAPLANE: Silhouette = (
    Body(((8, 30), (30, 28.5), (50, 25), (74, 26), (86, 32), (84, 39), (62, 43), (50, 40), (28, 35))),
    Body(((8, 30.5), (5, 16), (11, 15.5), (18, 29)), smooth=False), box(66, 28, 7, 4.5, GLASS), box(57, 28, 6, 4.5, GLASS),
    Bar(((38, 20), (68, 19)), 3.0), Body(((54, 21), (56, 15.5), (70, 15.5), (73, 19), (68, 22.5))),
    Bar(((75, 11), (75, 27)), 1.2), Bar(((42, 21), (44, 37)), 1.0), Body(((37, 39), (40, 36.5), (50, 36.5), (54, 39), (44, 41))),
    Bar(((2, 47), (98, 47)), 0.8, GLASS),
)  # fmt: skip
JET: Silhouette = (
    Body(((6, 35), (14, 31.5), (40, 29.5), (60, 27.5), (78, 31), (98, 35.5), (76, 38), (40, 39.5), (10, 38.5))),
    Body(((10, 33), (5, 17), (13, 17), (27, 31)), smooth=False), Body(((56, 29.5), (61, 25.5), (68, 26), (75, 31))),
    Body(((30, 36), (60, 35.5), (42, 39.5), (22, 39.5)), GLASS, smooth=False), Bar(((44, 38), (43, 46)), 1.2),
    Bar(((76, 37), (77, 46)), 1.2), *wheels(43, 77, radius=3),
)  # fmt: skip
BOAT: Silhouette = (
    Body(((8, 34), (60, 34), (80, 31), (95, 27), (86, 43), (80, 46), (14, 46)), smooth=False),
    Body(((36, 34), (37, 24), (56, 24), (60, 34)), smooth=False), box(40, 26.5, 5.5, 4.5, GLASS), box(48, 26.5, 5.5, 4.5, GLASS),
    Bar(((34, 34), (34, 7)), 1.3), Bar(((34, 8), (86, 31)), 0.6), Bar(((34, 8), (10, 34)), 0.6), box(31.5, 10, 5, 3.2),
    Bar(((2, 48.5), (98, 48.5)), 0.8, GLASS),
)  # fmt: skip
SPEEDBOAT: Silhouette = (
    Body(((7, 36), (40, 35), (66, 32.5), (98, 30), (84, 41), (74, 45), (10, 45)), smooth=False),
    Body(((42, 35), (48, 29), (51, 29), (58, 33.5)), GLASS, smooth=False), Bar(((10, 40.5), (86, 36)), 1.2, GLASS),
    Body(((8, 36), (10, 31.5), (30, 31.5), (36, 35.5))), Bar(((2, 48.5), (70, 48.5)), 0.8, GLASS), Bar(((4, 46.5), (0, 43)), 1.2),
)  # fmt: skip

CAMERA: Silhouette = (
    Body(((34, 38), (34, 24), (60, 24), (60, 38)), smooth=False), Disc(40, 16, 7.6), Disc(56, 16, 7.6), Disc(40, 16, 2.2, GLASS),
    Disc(56, 16, 2.2, GLASS), Body(((61, 28), (70, 26), (70, 36), (61, 34)), smooth=False), Bar(((47, 38), (37, 50)), 1.8),
    Bar(((47, 38), (57, 50)), 1.8), Bar(((47, 38), (47, 50)), 1.8), box(27, 27, 6, 5),
)  # fmt: skip
CRANE: Silhouette = (
    *wheels(24, 40, 66, radius=5), box(16, 36, 58, 6), Body(((40, 36), (46, 24), (52, 36)), smooth=False),
    Bar(((30, 30), (90, 9)), 2.4), box(24, 27, 9, 8), box(86, 6, 8, 6), Disc(95, 9, 2.2),
)  # fmt: skip
SOUND: Silhouette = (
    box(22, 18, 56, 32), Disc(38, 29, 8.5, GLASS), Disc(62, 29, 8.5, GLASS), Disc(38, 29, 2.2), Disc(62, 29, 2.2),
    box(30, 42, 16, 4.5, GLASS), Disc(56, 44.3, 2, GLASS), Disc(63, 44.3, 2, GLASS), Disc(70, 44.3, 2, GLASS), Bar(((30, 18), (34, 11), (66, 11), (70, 18)), 1.8),
)  # fmt: skip
WRENCH: Silhouette = (
    Bar(((34, 46), (66, 18)), 7.0), Disc(68, 16, 9), Body(((66, 14), (74, 4), (82, 12), (72, 18)), CUT, smooth=False),
    Disc(32, 48, 7.5), Disc(32, 48, 3.2, CUT),
)  # fmt: skip
SAW: Silhouette = (
    Body(((16, 44), (16, 28), (22, 24), (42, 24), (46, 30), (46, 44)), smooth=False), Bar(((22, 24), (28, 15), (40, 16), (42, 24)), 2.4),
    Body(((46, 33), (88, 33.5), (91, 36.5), (88, 39.5), (46, 40))), Bar(((48, 36.5), (86, 36.5)), 0.8, GLASS), Disc(30, 35, 5, GLASS),
)  # fmt: skip

POSTER: Silhouette = (
    box(33, 4, 34, 50), box(35, 6, 30, 46, GLASS), Disc(50, 22, 9), Body(((36, 42), (44, 33), (50, 38), (56, 31), (64, 42)), smooth=False),
    Bar(((40, 46), (60, 46)), 1.6), Bar(((43, 49.5), (57, 49.5)), 1.0),
)  # fmt: skip
PLATE: Silhouette = (
    Body(((18, 17), (82, 17), (84, 20), (84, 45), (82, 48), (18, 48), (16, 45), (16, 20)), smooth=False),
    *(Disc(x, y, 1.1, CUT) for x in (27, 73) for y in (20.5, 44.5)), *(box(x, 25, 6.5, 15, GLASS) for x in (22, 31.5, 41, 52, 61.5, 71)),
)  # fmt: skip
COSTUME: Silhouette = (
    Body(((38, 8), (62, 8), (76, 14), (86, 34), (78, 38), (69, 25), (69, 52), (31, 52), (31, 25), (22, 38), (14, 34), (24, 14)), smooth=False),
    Body(((43, 8), (50, 18), (57, 8)), CUT, smooth=False), Bar(((50, 18), (50, 52)), 0.8, GLASS), box(55, 22, 8, 6, GLASS),
)  # fmt: skip
PAPERS: Silhouette = (
    Body(((36, 10), (66, 6), (72, 48), (42, 52)), GLASS, smooth=False), box(32, 8, 34, 44),
    *(Bar(((37, y), (61, y)), 1.0, GLASS) for y in (16, 20.5, 25, 29.5, 34, 38.5, 43)),
)  # fmt: skip
SLATE: Silhouette = (
    box(22, 22, 56, 30), Body(((22, 20), (77, 8), (78.5, 14), (23.5, 26)), smooth=False),
    *(Body(((x, 19.8 - (x - 22) * 0.218), (x + 6, 18.5 - (x - 22) * 0.218), (x + 9, 22.8 - (x - 22) * 0.218), (x + 3, 24.1 - (x - 22) * 0.218)), GLASS, smooth=False) for x in (26, 40, 54)),
    Bar(((22, 33), (78, 33)), 0.8, GLASS), Bar(((50, 33), (50, 52)), 0.8, GLASS), Bar(((28, 28.5), (60, 28.5)), 1.2, GLASS),
)  # fmt: skip
WATCH: Silhouette = (
    Body(((42, 4), (58, 4), (60, 54), (40, 54)), smooth=False), Disc(50, 29, 15), Disc(50, 29, 12, GLASS), Bar(((50, 29), (50, 20.5)), 1.3),
    Bar(((50, 29), (56, 32.5)), 1.3), Disc(66, 29, 2),
)  # fmt: skip
PROP: Silhouette = (
    box(26, 20, 48, 32), Body(((22, 20), (78, 20), (74, 12), (26, 12)), smooth=False), Disc(50, 36, 8, GLASS), Disc(50, 36, 3.5),
    Bar(((50, 36), (43, 31)), 1.4), Bar(((50, 36), (57, 31)), 1.4), Bar(((50, 36), (50, 44)), 1.4),
)  # fmt: skip

# The first of these words among an item's types or categories decides; the last entry is for all others.
BY_WORD: dict[str, Silhouette] = {
    "Autogyro": AUTOGYRO, "Helicopter": HELICOPTER, "Seaplane": SEAPLANE, "Aircraft": AIRCRAFT, "Speedboat": SPEEDBOAT,
    "Boat": BOAT, "Motorcycle": MOTORCYCLE, "Scooter": SCOOTER, "Bicycle": BICYCLE, "Tracked vehicle": TRACKED,
    "Tractor": TRACTOR, "Motorhome": MOTORHOME, "Bus": BUS, "Truck": TRUCK, "Van": VAN, "Pickup": PICKUP, "4x4": OFF_ROAD,
    "Race car": RACE_CAR, "Convertible": CONVERTIBLE, "Muscle car": MUSCLE_CAR, "Sports car": SPORTS_CAR, "Car": CAR,
    "Scale model": SPORTS_CAR, "Poster": POSTER, "Lobby card": POSTER, "License plate": PLATE, "Costume": COSTUME,
    "Script": PAPERS, "Storyboard": PAPERS, "Press kit": PAPERS, "Clapperboard": SLATE, "Watch": WATCH, "Prop": PROP,
    "Power tool": SAW, "Camera equipment": CAMERA, "Grip equipment": CRANE, "Sound equipment": SOUND,
    "Rescue tool": WRENCH, "Workshop tool": WRENCH, "": PROP,
}  # fmt: skip


def silhouette_for(words: list[str], name: str) -> Silhouette:
    """Return what to draw for an item of these types or categories; its name tells a biplane and a jet apart."""
    if "Aircraft" in words and "Seaplane" not in words and "Autogyro" not in words:
        if any(word in name for word in ("Moth", "N3N", "Stearman")):
            return BIPLANE
        if any(word in name for word in ("jet", "F-5")):
            return JET
    return next((shapes for word, shapes in BY_WORD.items() if word in words), BY_WORD[""])
