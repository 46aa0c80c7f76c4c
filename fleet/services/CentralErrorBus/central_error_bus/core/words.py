"""What somebody searches for: words that must all occur, phrases in quotes, beginnings of words with a star.

The same question is put to three places, which answer alike: FTS5 and LIKE look through what is stored, `found_in`
through what passes by.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

QUESTION: Final = 400  # characters
TERMS: Final = 20

_TERM: Final = re.compile(r'"([^"]*)"?|(\S+)')
_WORD: Final = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """Without case and accents. What is stored goes into the index like this, so that all three see the same."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(one for one in apart if not unicodedata.combining(one))


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other; of the last one only the beginning when `begins`."""

    words: tuple[str, ...]
    begins: bool

    def fts(self) -> str:
        return '"' + " ".join(self.words) + '"' + ("*" if self.begins else "")

    def expression(self) -> str:
        end = r"[^\W_]*" if self.begins else ""
        return r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, self.words)) + end + r"(?![^\W_])"


@dataclass(frozen=True, slots=True)
class Words:
    terms: tuple[Term, ...]
    expressions: tuple[re.Pattern[str], ...]

    def fts(self) -> str:
        """An FTS5 expression; whatever was typed, it is made of quoted words only."""
        return " AND ".join(term.fts() for term in self.terms)

    def found_in(self, *texts: str) -> bool:
        """Whether each term occurs in one of the texts."""
        plain = [folded(text) for text in texts]
        return all(any(expression.search(text) for text in plain) for expression in self.expressions)


def parse(question: str) -> Words | None:
    """None when there is no word in it."""
    terms: list[Term] = []
    for phrase, single in _TERM.findall(question[:QUESTION]):
        typed = phrase or single
        words = tuple(_WORD.findall(folded(typed)))
        if words:
            terms.append(Term(words, not phrase and typed.endswith("*")))
    kept = tuple(dict.fromkeys(terms))[:TERMS]
    return Words(kept, tuple(re.compile(term.expression()) for term in kept)) if kept else None
