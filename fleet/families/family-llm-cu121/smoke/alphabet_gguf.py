"""A model of one layer that knows the alphabet: after each letter it says the next one. 2 MB, made on the spot."""

from pathlib import Path

import numpy
from gguf import GGMLQuantizationType, GGUFWriter, TokenType, quants

LETTERS = "abcdefghijklmnop"
HEAD = 32  # a width of heads, and of blocks in which weights are quantised


def write(path: Path) -> None:
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *LETTERS]
    tokens += [f"<{number}>" for number in range(-len(tokens) % HEAD)]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256]
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_block_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    _describe(writer, len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([*kinds, *[TokenType.NORMAL] * (len(tokens) - len(kinds))])
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    _weigh(writer, len(tokens), tokens.index(LETTERS[0]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: GGUFWriter, width: int) -> None:
    writer.add_vocab_size(width)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(HEAD)
    writer.add_head_count(width // HEAD)
    writer.add_head_count_kv(width // HEAD)
    writer.add_rope_dimension_count(HEAD)


def _weigh(writer: GGUFWriter, width: int, first: int) -> None:
    """Each token is a direction of its own; attention and feed-forward add nothing; the output turns to the next."""
    output = numpy.zeros((width, width), numpy.float32)
    for number in range(len(LETTERS)):
        output[first + (number + 1) % len(LETTERS), first + number] = 10
    kind = GGMLQuantizationType.Q8_0
    writer.add_tensor("output.weight", quants.quantize(output, kind), raw_dtype=kind)
    writer.add_tensor("token_embd.weight", numpy.eye(width, dtype=numpy.float32))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", numpy.ones(width, numpy.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", numpy.zeros((width, width), numpy.float32))
    for name, shape in {"ffn_gate": (HEAD, width), "ffn_up": (HEAD, width), "ffn_down": (width, HEAD)}.items():
        writer.add_tensor(f"blk.0.{name}.weight", numpy.zeros(shape, numpy.float32))
