"""family-torch-cu121: PyTorch of CUDA 12.1 with code for both cards, right on the CPU, and torchvision with its ops."""

import io
import re
import unittest

import numpy
import torch
import torchvision
from card import capabilities, needs_card
from torch.utils.data import DataLoader, TensorDataset


def test_it_is_built_for_cuda_12_1() -> None:
    found = (torch.__version__, torch.version.cuda, torch.backends.cudnn.version(), torchvision.__version__)
    assert found == ("2.4.0+cu121", "12.1", 90100, "0.19.0+cu121"), found
    assert torch.cuda.nccl.version() == (2, 20, 5), torch.cuda.nccl.version()


def test_it_has_machine_code_for_every_card_of_the_fleet() -> None:
    """A card runs code of its own major capability, up to its minor one: that of 8.6 serves an 8.9 as well."""
    names = torch._C._cuda_getArchFlags().split()
    built = [(int(digits[:-1]), int(digits[-1])) for digits in (re.sub(r"\D", "", name) for name in names)]
    for major, minor in capabilities():
        assert any(own == major and least <= minor for own, least in built), (major, minor, built)
    assert {(8, 6), (9, 0)} <= set(built), built


def test_products_on_the_cpu_are_right() -> None:
    left, right = numpy.random.default_rng(7).random((2, 200, 300)), numpy.random.default_rng(8).random((2, 300, 100))
    found = torch.from_numpy(left) @ torch.from_numpy(right)
    assert numpy.allclose(found.numpy(), left @ right)


def test_gradients_are_right() -> None:
    weight = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (weight**3).sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [3.0, 12.0, 27.0], weight.grad


def test_a_network_learns() -> None:
    torch.manual_seed(7)
    inputs = torch.rand(256, 3)
    wanted = inputs @ torch.tensor([[1.0], [-2.0], [0.5]])
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(inputs), wanted)
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-3, loss


def test_weights_are_kept_and_loaded_without_code() -> None:
    kept = io.BytesIO()
    torch.save({"weight": torch.arange(6).reshape(2, 3)}, kept)
    kept.seek(0)
    found = torch.load(kept, weights_only=True)["weight"]
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]], found


def test_workers_load_data() -> None:
    loader = DataLoader(TensorDataset(torch.arange(32)), batch_size=8, num_workers=2)
    found = sorted(int(number) for (batch,) in loader for number in batch)
    assert found == list(range(32)), found


def test_a_script_is_compiled() -> None:
    def clamp(value: torch.Tensor) -> torch.Tensor:
        return torch.clamp(value * 2, 0, 1)

    assert torch.jit.script(clamp)(torch.tensor([-1.0, 0.25, 3.0])).tolist() == [0.0, 0.5, 1.0]


def test_what_asks_to_be_compiled_runs_without_a_compiler() -> None:
    found = torch.compile(lambda value: value * 2 + 1)(torch.tensor([1.0, 2.0]))
    assert found.tolist() == [3.0, 5.0], found


def test_torchvision_has_its_compiled_ops() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
    assert kept.tolist() == [0, 2], kept


def test_torchvision_reads_and_resizes_pictures() -> None:
    picture = (torch.arange(64 * 48 * 3) % 256).to(torch.uint8).reshape(3, 48, 64)
    found = torchvision.io.decode_image(torchvision.io.encode_png(picture))
    assert torch.equal(found, picture)
    assert torchvision.transforms.functional.resize(picture, [24, 32]).shape == (3, 24, 32)


def test_it_says_why_it_cannot_reach_a_card() -> None:
    """Without a driver it is the driver that it misses, and no library of the image."""
    if torch.cuda.is_available():
        raise unittest.SkipTest("is for containers without an NVIDIA card, and this one has one")
    try:
        torch.zeros(1).cuda()
    except RuntimeError as error:
        assert "Found no NVIDIA driver on your system" in str(error), error
    else:
        raise AssertionError("a tensor went to a card that is not there")


def test_products_on_the_card_are_those_of_the_cpu() -> None:
    needs_card()
    left, right = torch.rand(200, 300), torch.rand(300, 100)
    found = (left.cuda() @ right.cuda()).cpu()
    assert torch.allclose(found, left @ right, atol=1e-2), (found - left @ right).abs().max()


def test_convolutions_on_the_card_are_those_of_the_cpu() -> None:
    needs_card()
    pictures, layer = torch.rand(2, 3, 32, 32), torch.nn.Conv2d(3, 8, 3)
    wanted = layer(pictures)
    assert torch.allclose(layer.cuda()(pictures.cuda()).cpu(), wanted, atol=1e-2)
