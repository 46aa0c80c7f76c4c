"""A message without what differs between two occurrences of the same error."""

from __future__ import annotations

import re
from typing import Final

LOOKED_AT: Final = 2000  # characters of a message; what comes later seldom tells two errors apart
LENGTH: Final = 500
_CUT: Final = "\0"  # stands where a message was cut: a quoted text that is open there ends there

# One pass from left to right; at each place the first alternative that fits wins. No alternative nests one repetition
# in another over the same characters, so that no message makes the search slow.
_VARIABLE: Final = re.compile(
    r"""
    (?P<time>
        (?<!\d) \d{4}-\d\d-\d\d
        (?: [T\ ] \d\d:\d\d (?: :\d\d (?:[.,]\d{1,9})? )? (?:\ ?(?:Z|UTC|[+-]\d\d:?\d\d))? )? (?!\d)
      | (?<!\d) \d{1,2}/[A-Z][a-z][a-z]/\d{4} : \d\d:\d\d:\d\d (?:\ [+-]\d{4})? (?!\d)
      | \b (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)
        \ {1,2}\d{1,2} \ \d\d:\d\d:\d\d (?:\ \d{4})? (?!\d)
      | (?<![\d:]) \d\d:\d\d:\d\d (?:[.,]\d{1,9})? (?![\d:])
    )
  | (?P<uuid> (?<![0-9A-Za-z]) [0-9A-Fa-f]{8} (?:-[0-9A-Fa-f]{4}){3} -[0-9A-Fa-f]{12} (?![0-9A-Za-z]) )
  | (?P<url> \b [A-Za-z][A-Za-z0-9+.-]{1,20} :// [^\s'"`<>)\]}]+ )
  | (?P<text>
        (?<![\w'"`]) [bBrRuU]{0,2}
        (?: '(?:[^'\\\n\0]|\\.)*(?:'(?![\w'"`])|\0)
          | "(?:[^"\\\n\0]|\\.)*(?:"(?![\w'"`])|\0)
          | `[^`\n\0]*(?:`(?![\w'"`])|\0)
        )
      | “[^”\n\0]*[”\0]
    )
  | (?P<path>
        (?<![\w./~-]) (?: ~ | \.{1,2} )? (?: / [\w.@%+=,-]* [\w@%+=-] )+ /?
      | (?<!\w) [A-Za-z]:\\ [^\s'"`<>|*?]+
      | (?<![\w./~-]) [\w-]+ (?: /[\w.-]+ )+ \.[A-Za-z]\w{0,7} (?![\w/])
    )
  | (?P<hex>
        (?<![0-9A-Za-z]) 0[xX][0-9A-Fa-f]+ (?![0-9A-Za-z])
      | (?<![0-9A-Za-z]) (?=[A-Fa-f]{0,40}\d) (?=\d{0,40}[A-Fa-f]) [0-9A-Fa-f]{7,128} (?![0-9A-Za-z])
    )
  | (?P<num> (?: (?<![\w.)\]-]) [+-] )? \d+ (?: [.,_] \d+ )* (?: [eE][+-]?\d+ (?!\w) )? )
    """,
    re.VERBOSE,
)


def pattern(message: str) -> str:
    """Numbers, ids, paths, addresses, quoted texts and times become placeholders; white space becomes one blank."""
    seen = message[:LOOKED_AT].replace("\0", " ")
    if len(message) > LOOKED_AT:
        seen += _CUT
    plain = _VARIABLE.sub(lambda found: f"<{found.lastgroup}>", seen).removesuffix(_CUT)
    return " ".join(plain.split())[:LENGTH]
