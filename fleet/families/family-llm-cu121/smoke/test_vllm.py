"""vllm: everything that it imports is there but for what ticket 0004 leaves out, and what it needs a card for."""

import importlib
import pkgutil
import sys
import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path

import torch
import vllm
import vllm.entrypoints.openai.api_server
from card import needs_card
from tiny_llama import configuration, tokenizer
from vllm.model_executor.guided_decoding import get_local_guided_decoding_logits_processor
from vllm.model_executor.layers.layernorm import GemmaRMSNorm
from vllm.model_executor.models.commandr import layer_norm_func
from vllm.sampling_params import GuidedDecodingParams

# What vllm imports and the image has not: for other hardware, for audio, and left out, by themselves or with those that
# bring them (outlines brings lark, ray brings pandas).
NOT_THERE = {
    *("openvino", "torch_xla", "intel_extension_for_pytorch", "transformers_neuronx", "librosa"),
    *("triton", "lark", "ray", "pandas"),
}
# What stands on triton (ticket 0004), beside its kernels: models, and executors that spread one over several cards.
ON_TRITON = {
    *("models.arctic", "models.deepseek", "models.jamba", "models.mamba", "models.minicpm", "models.minicpm3"),
    *("models.minicpmv", "executor.multiproc_gpu_executor", "executor.multiproc_xpu_executor"),
}
# Models of pictures that want names which transformers 4.53 and newer do not have.
OUTDATED = {
    *("models.clip", "models.internvl", "models.llava", "models.llava_next", "models.llava_next_video"),
    *("models.llava_onevision", "models.mllama", "models.nvlm_d", "models.paligemma", "models.phi3v"),
    *("models.qwen2_vl", "models.siglip"),
}
# What asks for the driver as it is imported.
ASKS_FOR_A_DRIVER = {"vllm._C", "vllm.attention.backends.rocm_flash_attn", "vllm.platforms.cuda"}


def broken_imports() -> dict[str, Exception]:
    """Module of vllm -> why it cannot be imported."""
    found: dict[str, Exception] = {}
    for module in pkgutil.walk_packages(vllm.__path__, "vllm.", onerror=lambda _: None):
        try:
            importlib.import_module(module.name)
        except Exception as error:
            found[module.name] = error
    return found


def parts(modules: Iterable[str]) -> set[str]:
    """Models and executors among modules: models.llama."""
    names = {".".join(name.split(".")[-2:]) for name in modules}
    return {name for name in names if name.startswith(("models.", "executor."))}


def test_versions_are_those_of_ticket_0004() -> None:
    assert (vllm.__version__, torch.__version__) == ("0.6.3.post1", "2.4.0+cu121"), vllm.__version__


def test_serving_needs_nothing_that_is_left_out() -> None:
    """The server itself was imported above."""
    assert not {"outlines", "ray", "triton", "cv2"} & set(sys.modules)


def test_only_what_is_left_out_on_purpose_is_missing() -> None:
    broken = broken_imports()
    absent = {name: str(error.name) for name, error in broken.items() if isinstance(error, ModuleNotFoundError)}
    assert {module.partition(".")[0] for module in absent.values()} == NOT_THERE, absent
    named = {name: str(error) for name, error in broken.items() if "cannot import name" in str(error)}
    on_triton = {name for name in absent if absent[name] == "triton"}
    on_triton |= {name for name, said in named.items() if "from 'vllm." in said}
    assert parts(on_triton) == ON_TRITON, on_triton
    assert parts(name for name, said in named.items() if "from 'transformers." in said) == OUTDATED, named
    rest = {name: str(error) for name, error in broken.items() if name not in {*absent, *named}}
    assert set(rest) <= ASKS_FOR_A_DRIVER, rest


def test_its_kernels_miss_the_driver_alone() -> None:
    try:
        importlib.import_module("vllm._C")
    except ImportError as error:
        assert str(error).startswith("libcuda.so.1: cannot open shared object file"), error
    importlib.import_module("vllm.vllm_flash_attn")


def test_answers_follow_a_schema_without_outlines() -> None:
    schema = {"type": "object", "properties": {"port": {"type": "integer"}}, "required": ["port"]}
    asked, words = GuidedDecodingParams(json=schema, backend="lm-format-enforcer"), tokenizer()
    allow = get_local_guided_decoding_logits_processor(asked, words)
    assert allow is not None

    said: list[int] = []
    choices: list[set[str]] = []
    for letter in '{"port": 7}':
        scores = allow(said, torch.zeros(len(words))).tolist()
        choices.append({words.decode([number]) for number, score in enumerate(scores) if score == 0})
        said += words.encode(letter)
    assert all(letter in choice for letter, choice in zip('{"port": 7}', choices, strict=True)), choices
    assert "x" not in choices[2], choices[2]
    assert "a" not in choices[-1] and {"0", "}"} <= choices[-1], choices[-1]


def test_it_says_why_it_cannot_start() -> None:
    if torch.cuda.is_available():
        raise unittest.SkipTest("is for containers without an NVIDIA card, and this one has one")
    try:
        engine()
    except RuntimeError as error:
        assert str(error) == "Failed to infer device type", error
    else:
        raise AssertionError("an engine started without a card")


def test_norms_that_ask_to_be_compiled_run_as_they_are_written() -> None:
    """Those of Gemma and Command-R: without a compiler torch.compile would fail at their first use."""
    norm, numbers = GemmaRMSNorm(8), torch.rand(2, 8)
    with torch.no_grad():
        assert torch.allclose(norm.forward_cuda(numbers), norm.forward_native(numbers))
    assert layer_norm_func(numbers, torch.ones(8), 1e-5)[0].shape == (8,)


def test_it_generates_on_the_card() -> None:
    needs_card()
    made, asked = engine(), vllm.SamplingParams(max_tokens=8, temperature=0, ignore_eos=True, detokenize=False)
    prompt = {"prompt_token_ids": tokenizer().encode("fleet")}
    found = [list(made.generate(prompt, asked)[0].outputs[0].token_ids) for _ in range(2)]
    assert len(found[0]) == 8, found
    assert found[0] == found[1], found


def engine() -> vllm.LLM:
    """The engine with a model of random weights, the same each time."""
    folder = Path(tempfile.gettempdir(), "tiny-llama-of-vllm")
    configuration().save_pretrained(folder)
    return vllm.LLM(
        str(folder), load_format="dummy", skip_tokenizer_init=True, gpu_memory_utilization=0.2, max_model_len=64, seed=7
    )
