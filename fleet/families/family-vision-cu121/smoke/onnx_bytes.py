"""A small ONNX model as bytes, written by hand: the package that makes such files is not in the image.

The numbers of fields are those of onnx.proto; protobuf writes a field as its number and kind, then its content.
"""

import struct
from collections.abc import Iterable

FLOAT = 1


def model(weight: list[list[float]], bias: list[float]) -> bytes:
    """output = relu(input x weight + bias), for one row of input."""
    rows, columns = len(weight), len(bias)
    numbers = [number for row in weight for number in row]
    graph = b"".join(
        [
            content(1, node("Gemm", ["input", "weight", "bias"], "sum")),
            content(1, node("Relu", ["sum"], "output")),
            content(2, b"smoke"),
            content(5, tensor("weight", [rows, columns], numbers)),
            content(5, tensor("bias", [columns], bias)),
            content(11, value("input", [1, rows])),
            content(12, value("output", [1, columns])),
        ]
    )
    return number(1, 8) + content(7, graph) + content(8, content(1, b"") + number(2, 17))


def node(kind: str, inputs: Iterable[str], output: str) -> bytes:
    return (
        b"".join(content(1, name.encode()) for name in inputs) + content(2, output.encode()) + content(4, kind.encode())
    )


def tensor(name: str, shape: list[int], numbers: list[float]) -> bytes:
    sizes = b"".join(number(1, size) for size in shape)
    return sizes + number(2, FLOAT) + content(8, name.encode()) + content(9, struct.pack(f"<{len(numbers)}f", *numbers))


def value(name: str, shape: list[int]) -> bytes:
    sizes = b"".join(content(1, number(1, size)) for size in shape)
    return content(1, name.encode()) + content(2, content(1, number(1, FLOAT) + content(2, sizes)))


def number(field: int, content: int) -> bytes:
    """A field that holds a whole number."""
    return varint(field << 3) + varint(content)


def content(field: int, held: bytes) -> bytes:
    """A field that holds text, bytes or another message."""
    return varint(field << 3 | 2) + varint(len(held)) + held


def varint(left: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have their highest bit set."""
    made = bytearray()
    while left > 127:
        made.append(left & 127 | 128)
        left >>= 7
    return bytes([*made, left])
