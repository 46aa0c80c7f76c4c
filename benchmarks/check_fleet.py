"""How long `check` takes as a fleet grows: 63, 1,000 and 10,000 services, with and without things wrong.

Usage: .venv-test/bin/python benchmarks/check_fleet.py [--json]

Each fleet is generated into a temporary folder: one machine for every 500 services (each has 64,512 ports), the real
families, signed off as it stands, a tenth of the services implemented. The figure to watch is the time per service:
the last column compares it with the smallest fleet's; about 1 means linear.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from dockwright.check.frozen import Blueprint, render, rows_of
from dockwright.check.run import Report, check
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 11, 24)
SERVICE = """\
name = "{name}"
summary = "A generated service."
entry = "package.app:create"
memory_mb = 96
calls = ["Service1"]
"""
MACHINE = """\
[machines.m{number}]
gpu = "RTX 4090"
gpu_memory_mb = 24564
gpu_arch = "8.9"
cpus = 32
memory_mb = 65536
profile = {{ GPU_VISIBLE_DEVICES = "0", TORCH_CUDA_ALLOC_CONF = "max_split_size_mb:64", OMP_NUM_THREADS = 16, \
UVICORN_WORKERS = 32, MODEL_EVICT_THRESHOLD_PCT = 90 }}
"""


def generate(folder: Path, size: int, broken: bool) -> Path:
    """A fleet of `size` services; a broken one has a port clash in every tenth row."""
    real = (ROOT / "fleet" / "fleet.toml").read_text()
    head = real[: real.index("# Section D")].replace("8.9;8.6", "8.9")
    families = re.sub(r"parent = \"nvidia-cuda\"", "", real[real.index("[roots.") : real.index("# Section F")])
    families = families.replace('"vllm", ', "")
    machines = [MACHINE.format(number=number) for number in range(size // 500 + 1)]
    rows = []
    for number in range(size):
        port = 1024 + 2 * (number % 500)
        other = port - 2 if broken and number % 10 == 1 else port
        rows.append(
            f'Service{number} = {{ machines = ["m{number // 500}"], needs = ["CPU"], family = "family-web", '
            f"port = {other}, health_port = {port + 1} }}"
        )
    phase = '[[phases]]\nname = "all"\ntitle = "everything"\n'
    folder.mkdir(parents=True)
    (folder / "fleet.toml").write_text("\n".join([head, *machines, families, "[services]", *rows, "", phase]))
    for number in range(0, size, 10):
        implement(folder / "services" / f"Service{number}")
    for family in ("base-python", "base-utils", "base-cpu-pydeps", "family-web"):
        (folder / "families" / family).mkdir(parents=True)
        (folder / "families" / family / "Dockerfile").write_text("FROM root\n")
    (folder / "blueprint.lock").write_text(render(Blueprint("2026-01-01", {}, rows_of(load_fleet(folder)))))
    return folder


def implement(folder: Path) -> None:
    (folder / "package").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "service.toml").write_text(SERVICE.format(name=folder.name))
    (folder / "package" / "app.py").write_text("def create(service):\n    return service\n")
    (folder / "requirements.lock").write_text("")
    (folder / "openapi.json").write_text("{}")


def measure(size: int, broken: bool, repeat: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as work:
        folder = generate(Path(work) / "fleet", size, broken)
        times, report = [], Report(None, ())
        for _ in range(repeat):
            begun = time.perf_counter()
            report = check(folder, TODAY)
            times.append(time.perf_counter() - begun)
    errors = sum(finding.severity == "error" for finding in report.findings)
    seconds = min(times)
    return {"services": size, "errors": errors, "seconds": seconds, "us_per_service": seconds / size * 1e6}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = []
    for broken in (False, True):
        series = [measure(size, broken, 3) for size in (63, 1000, 10_000)]
        for result in series:
            result["ratio_to_1000"] = float(str(result["us_per_service"])) / float(str(series[1]["us_per_service"]))
        results += series
    if arguments.json:
        print(json.dumps(results, indent=2))
        return 0
    print(f"{'services':>8} {'errors':>7} {'seconds':>8} {'µs/service':>11} {'against 1,000':>14}")
    for result in results:
        print(
            f"{result['services']:>8} {result['errors']:>7} {result['seconds']:>8.3f} "
            f"{result['us_per_service']:>11.0f} {result['ratio_to_1000']:>14.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
