"""transformers, safetensors and accelerate: a model that is made, kept, loaded, run and trained, on the CPU."""

import accelerate
import torch
from tiny_llama import configuration, tokenizer
from transformers import AutoModelForCausalLM, LlamaForCausalLM

KEPT = "/tmp/tiny-llama"


def test_a_model_is_kept_and_loaded_as_safetensors() -> None:
    torch.manual_seed(7)
    made = LlamaForCausalLM(configuration()).float()
    made.save_pretrained(KEPT)
    loaded = AutoModelForCausalLM.from_pretrained(KEPT, torch_dtype=torch.float32)
    asked = tokenizer()("dockwright", return_tensors="pt")["input_ids"]
    assert torch.allclose(made(asked).logits, loaded(asked).logits, atol=1e-5)


def test_the_same_words_follow_twice() -> None:
    torch.manual_seed(7)
    made = LlamaForCausalLM(configuration()).float().eval()
    asked = tokenizer()("fleet", return_tensors="pt")["input_ids"]
    found = [made.generate(asked, max_new_tokens=8, do_sample=False, pad_token_id=0) for _ in range(2)]
    assert found[0].shape[1] > asked.shape[1], found
    assert torch.equal(*found), found


def test_accelerate_trains_and_places_models() -> None:
    trainer = accelerate.Accelerator(cpu=True)
    model, inputs = torch.nn.Linear(3, 1), torch.rand(64, 3)
    model, optimizer = trainer.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = ((model(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean()
        trainer.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10, losses
    with accelerate.init_empty_weights():
        empty = LlamaForCausalLM(configuration())
    assert {parameter.device.type for parameter in empty.parameters()} == {"meta"}
    places = accelerate.infer_auto_device_map(empty, max_memory={"cpu": "1GB"})
    assert set(places.values()) == {"cpu"}, places
