"""Shared libraries without what only debuggers read: 64-bit ELF files, which keep their segments byte for byte.

strip moves segments, and then libraries that patchelf has changed cannot be loaded any more.
"""

import struct
from dataclasses import dataclass

ELF64 = b"\x7fELF\x02\x01"
FOR_DEBUGGERS = (b".symtab", b".debug_info")
SEGMENT, SECTION = struct.Struct("<IIQQQQQQ"), struct.Struct("<IIQQQQIIQQ")
# Where the head of a file says where sections are described; and their size, their number, and which one has the names.
TABLE, COUNT = 40, 58
STRINGS, RELA, REL, LOADED = 3, 4, 9, 2
NAMES = b".shstrtab"


@dataclass(frozen=True)
class Section:
    """One line of a file's table of sections."""

    name: bytes
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry: int


def sections(data: bytes) -> list[Section]:
    """The sections of a 64-bit ELF file; none where it is no such file, or describes none."""
    if not data.startswith(ELF64):
        return []
    (start,) = struct.unpack_from("<Q", data, TABLE)
    size, count, index = struct.unpack_from("<HHH", data, COUNT)
    found = [SECTION.unpack_from(data, start + size * number) for number in range(count)]
    if index >= count:
        return []
    names = data[found[index][4] : found[index][4] + found[index][5]]
    return [Section(names[name:].partition(b"\0")[0], *rest) for name, *rest in found]


def slim(data: bytes) -> bytes:
    """The file without its sections for debuggers; the same bytes where nothing lies behind its last segment."""
    every = sections(data)
    if not any(section.name in FOR_DEBUGGERS for section in every):
        return data
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [SEGMENT.unpack_from(data, start + size * number) for number in range(count)]
    end = max([start + size * count, *(position + length for _, _, position, _, _, length, _, _ in segments)])
    kept = [number for number, section in enumerate(every) if number == 0 or section.flags & LOADED]
    new = _described(data[:end], [every[number] for number in kept], {old: new for new, old in enumerate(kept)})
    return new if len(new) < len(data) else data


def _described(data: bytes, kept: list[Section], moved: dict[int, int]) -> bytes:
    """A file whose end describes these sections, and nothing else. `moved`: their old numbers -> their new ones."""
    names = b"\0".join([*(section.name for section in kept), NAMES, b""])
    kept = [*kept, Section(NAMES, STRINGS, 0, 0, len(data), len(names), 0, 0, 1, 0)]
    body = (data + names).ljust(-(-len(data + names) // 8) * 8, b"\0")
    table, name = b"", 0
    for section in kept:
        info = moved.get(section.info, 0) if section.kind in (RELA, REL) else section.info
        where = (section.kind, section.flags, section.address, section.offset, section.size)
        table += SECTION.pack(name, *where, moved.get(section.link, 0), info, section.alignment, section.entry)
        name += len(section.name) + 1
    head = bytearray(body)
    struct.pack_into("<Q", head, TABLE, len(body))
    struct.pack_into("<HHH", head, COUNT, SECTION.size, len(kept), len(kept) - 1)
    return bytes(head) + table
