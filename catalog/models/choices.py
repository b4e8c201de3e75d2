"""The words that an item's columns are chosen from."""

from django.db import models


class Kind(models.TextChoices):
    VEHICLE = "vehicle", "Vehicle"
    MEMORABILIA = "memorabilia", "Memorabilia"
    TOOL = "tool", "Tool"


class Status(models.TextChoices):
    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    ARCHIVED = "archived", "Archived"


class Availability(models.TextChoices):
    AVAILABLE = "available", "Available"
    RESERVED = "reserved", "Reserved"
    SOLD = "sold", "Sold"
    NOT_FOR_SALE = "not_for_sale", "Not for sale"


class Condition(models.TextChoices):
    CONCOURS = "concours", "Concours"
    EXCELLENT = "excellent", "Excellent"
    VERY_GOOD = "very_good", "Very good"
    GOOD = "good", "Good"
    FAIR = "fair", "Fair"
    PROJECT = "project", "Project"


class Authenticity(models.TextChoices):
    SCREEN_USED = "screen_used", "Screen-used"
    STUNT = "stunt", "Stunt"
    PRODUCTION_MADE = "production_made", "Production-made"
    PROMOTIONAL = "promotional", "Promotional"
    REPLICA = "replica", "Replica"
    SAME_MODEL = "same_model", "Same model"
