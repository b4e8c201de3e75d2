"""A price with its currency: '1.250.000,00 EUR', '€ 12', 'CHF 9'500.-'."""

import re
import unicodedata
from functools import lru_cache

# ISO 4217, with the currencies that the euro replaced
CODES = frozenset(
    re.findall(
        "[A-Z]{3}",
        """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
    HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
    ATS BEF DEM ESP FIM FRF GRD IEP ITL LUF NLG PTE
    """,
    )
)
SIGNS = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "us$": "USD", "usd$": "USD", "dollar": "USD",
    "dollars": "USD", "£": "GBP", "pound": "GBP", "pounds": "GBP", "¥": "JPY", "円": "JPY", "yen": "JPY",
    "sfr": "CHF", "sfr.": "CHF", "fr.": "CHF", "zł": "PLN", "kč": "CZK", "a$": "AUD", "au$": "AUD", "c$": "CAD",
    "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "r$": "BRL", "₹": "INR", "₽": "RUB", "dm": "DEM",
}  # fmt: skip
LONGEST = 80  # characters of a price
PRICE = re.compile(
    r"(?P<before>[^\d+-]*?)\s*(?P<number>[+-]?\d(?:[\d.,'\u2019 ]*\d)?)\s*(?:[.,](?:-{1,2}|[\u2013\u2014]))?\s*(?P<after>[^\d]*)",
    re.ASCII,
)


def amount_and_currency(text: str) -> tuple[str, str] | None:
    """Return the number as written and the code of the currency beside it (empty: none); None for anything else."""
    return _parsed(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=1000)  # price and currency are read of the same cell, one after the other
def _parsed(text: str) -> tuple[str, str] | None:
    found = PRICE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not found:
        return None
    codes = [code_of(word) for word in (found["before"], found["after"]) if word.strip()]
    if None in codes:
        return None
    named = {code for code in codes if code}
    if found["before"].strip() == "$":  # $ 1,000 CAD
        named -= {"USD"} if len(named) > 1 else set()
    return (found["number"], next(iter(named), "")) if len(named) <= 1 else None


@lru_cache(maxsize=1000)
def code_of(word: str) -> str | None:
    """Return the code that a sign or a word means, or None."""
    word = word.strip().casefold()
    code = SIGNS.get(word) or word.strip(".:").upper()
    return code if code in CODES else None
