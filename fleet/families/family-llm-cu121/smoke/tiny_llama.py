"""A language model of a few hundred kB and a tokenizer of single characters, made on the spot."""

import os

os.environ |= {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, PreTrainedTokenizerFast

CHARACTERS = [chr(code) for code in range(32, 127)]


def configuration() -> LlamaConfig:
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=len(CHARACTERS) + 1,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=128,
        eos_token_id=len(CHARACTERS),
        torch_dtype="float16",
    )


def tokenizer() -> PreTrainedTokenizerFast:
    known = {character: number for number, character in enumerate([*CHARACTERS, "</s>"])}
    made = Tokenizer(models.WordLevel(known, unk_token="</s>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", unk_token="</s>")
