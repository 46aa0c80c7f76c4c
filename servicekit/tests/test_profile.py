"""The machine profile: what is exported, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servicekit.errors import Misconfigured
from servicekit.profile import export, exports, read_profile


@pytest.mark.parametrize(
    ("devices", "cuda"), [("0", "0"), ("0,1", "0,1"), ("GPU-0a1b", "GPU-0a1b"), ("none", ""), ("all", None)]
)
def test_devices_under_the_names_that_are_read(devices: str, cuda: str | None) -> None:
    found = dict(exports({"GPU_VISIBLE_DEVICES": devices}))
    assert found["NVIDIA_VISIBLE_DEVICES"] == found["GPU_VISIBLE_DEVICES"] == devices
    assert found.get("CUDA_VISIBLE_DEVICES") == cuda


def test_what_is_set_stays() -> None:
    environ = {"OMP_NUM_THREADS": "2"}
    export({"OMP_NUM_THREADS": 16}, environ)
    assert environ == {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "16", "MKL_NUM_THREADS": "16"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '{"A": null}',
        '{"A": true}',
        '{"A": 1.5}',
        '{"A": {}}',
        '{"": "x"}',
        '{"A=B": "x"}',
        '{"A": "x\\u0000"}',
        '{"UVICORN_WORKERS": 0}',
        '{"UVICORN_WORKERS": 5000}',
        '{"OMP_NUM_THREADS": "4"}',
        "[" * 100_000,
        '{"A": "' + "x" * 70_000 + '"}',
    ],
)
def test_what_no_environment_can_hold_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "profile.json"
    file.write_text(content)
    with pytest.raises(Misconfigured, match=r"profile\.json"):
        read_profile(file)


def test_unknown_keys_are_exported_as_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps({"NEW_KEY": "value", "NUMBER": 7}))
    assert dict(exports(read_profile(file))) == {"NEW_KEY": "value", "NUMBER": "7"}
