"""llama-cpp-python, compiled here from source: for both machines' CPUs, and right."""

import re
from pathlib import Path

import llama_cpp
from alphabet_gguf import write

MODEL = Path("/tmp/alphabet.gguf")


def model() -> llama_cpp.Llama:
    if not MODEL.exists():
        write(MODEL)
    return llama_cpp.Llama(str(MODEL), n_ctx=256, n_threads=2, verbose=False)


def test_it_was_compiled_for_what_both_machines_have() -> None:
    """AVX2 and what came with it; never for the CPU that it happened to be compiled on."""
    told = llama_cpp.llama_print_system_info().decode()
    found = {name for name, value in re.findall(r"(\w+) = (\d)", told) if value == "1"}
    assert {"AVX2", "FMA", "F16C", "BMI2"} <= found, told
    assert not {name for name in found if name.startswith(("AVX512", "AMX", "AVX_VNNI"))}, told


def test_letters_are_tokens() -> None:
    made = model()
    tokens = made.tokenize(b"abc", add_bos=False)
    assert len(tokens) == 3, tokens
    assert made.detokenize(tokens) == b"abc", tokens


def test_a_model_says_what_comes_next() -> None:
    (choice,) = model().create_completion("abc", max_tokens=6, temperature=0)["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("defghi", "length"), choice


def test_a_grammar_decides_what_may_be_said() -> None:
    grammar = llama_cpp.LlamaGrammar.from_string('root ::= "d" "e" "p"', verbose=False)
    (choice,) = model().create_completion("abc", max_tokens=6, temperature=0, grammar=grammar)["choices"]
    assert choice["text"] == "dep", choice


def test_words_stream_one_by_one() -> None:
    found = [part["choices"][0]["text"] for part in model().create_completion("a", max_tokens=3, stream=True, top_k=1)]
    assert "".join(found) == "bcd", found
    assert len(found) >= 3, found
