"""What came of smoke tests, as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from dockwright.build.smoke import Smoked
from dockwright.cli import table

RESULTS = ("passed", "failed", "not run")
COLUMNS = ("IMAGE", "PASSED", "FAILED", "DID NOT RUN", "SECONDS")
TRACE = 25


def line(image: Smoked) -> str:
    """One image as it is done."""
    counts = [f"{count} {word}" for word in ("passed", "failed") if (count := image.count(word))]
    unrun = image.count("not run")
    return f"{image.name}: {', '.join([*counts, *([f'{unrun} did not run'] if unrun else [])])}"


@dataclass(frozen=True)
class Report:
    """All images that were tried, and why the others were not."""

    images: list[Smoked]
    absent: Mapping[str, str]

    @property
    def passed(self) -> bool:
        return not any(image.count("failed") for image in self.images)

    def show(self) -> None:
        """A line an image, what failed with its trace, what did not run with its reason, and one line that sums up."""
        rows = [
            (image.name, *(str(image.count(result)) for result in RESULTS), f"{image.seconds:.1f}")
            for image in self.images
        ]
        table.show(COLUMNS, rows)
        for (test, why), names in self._grouped("failed").items():
            print(f"\nfailed: {test}\n  on {', '.join(names)}")
            print("\n".join(f"  | {said}" for said in why.splitlines()[-TRACE:]))
        print("".join(f"{said}\n" for said in self._unrun()), end="")
        count = {result: sum(image.count(result) for image in self.images) for result in RESULTS}
        passed = f"{_many(count['passed'], 'test')} passed in {_many(len(self.images), 'image')}"
        print(f"\n{passed}, {count['failed']} failed, {count['not run']} did not run")

    def _unrun(self) -> Iterator[str]:
        reasons: dict[str, list[str]] = {}
        for (test, why), names in self._grouped("not run").items():
            reasons.setdefault(why, []).append(f"{test} on {', '.join(names)}")
        for why, tests in reasons.items():
            yield f"\ndid not run: {why}"
            yield from (f"  {test}" for test in tests)
        absent: dict[str, list[str]] = {}
        for name, why in self.absent.items():
            absent.setdefault(why, []).append(name)
        for why, names in absent.items():
            yield f"\nnot tried, {why}: {', '.join(names) if len(names) <= 12 else f'{len(names)} images'}"

    def _grouped(self, result: str) -> dict[tuple[str, str], list[str]]:
        """(test, why) -> the images on which it came to that."""
        found: dict[tuple[str, str], list[str]] = {}
        for image in self.images:
            for outcome in image.outcomes:
                if outcome.result == result:
                    found.setdefault((outcome.test, outcome.why), []).append(image.name)
        return found

    def as_json(self) -> dict[str, object]:
        """The shape that `smoke --json` prints."""
        return {
            "passed": self.passed,
            "images": [
                {
                    "name": image.name,
                    "reference": image.reference,
                    "seconds": round(image.seconds, 1),
                    "tests": [asdict(outcome) for outcome in image.outcomes],
                }
                for image in self.images
            ],
            "absent": dict(self.absent),
        }


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
