"""What an audit found, image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dockwright.audit.code import is_kit
from dockwright.spec.finding import Finding, ordered

KIT = "servicekit"


@dataclass(frozen=True)
class Audited:
    """One image, or the kit that all services share. `imports`: places in its code that import a package.

    `native`: compiled files in the built image, None where none was looked into; `driver`: what the machine's driver
    has to bring for them.
    """

    name: str
    findings: tuple[Finding, ...]
    imports: int = 0
    used: int = 0
    locked: int = 0
    native: int | None = None
    driver: tuple[str, ...] = ()

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """The shape that `audit --json` prints of one image."""
        return {
            "name": self.name,
            "imports": self.imports,
            "packages": {"imported": self.used, "locked": self.locked},
            "native_files": self.native,
            "from_driver": list(self.driver),
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class Report:
    """Every image that was looked at; `not_built`: those of which only the code was."""

    images: tuple[Audited, ...]
    not_built: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        return [finding for image in self.images for finding in image.findings]

    @property
    def exit_code(self) -> int:
        return int(any(finding.severity == "error" for finding in self.findings))


def apart(
    found: Mapping[str, Sequence[Finding]], having_kit: set[str]
) -> tuple[dict[str, list[Finding]], list[Finding]]:
    """Findings by image without those about the kit, and these once, however many images have them.

    `having_kit`: the images that the kit is in.
    """
    own = {image: ordered(one for one in findings if not is_kit(one.file)) for image, findings in found.items()}
    shared: dict[tuple[str, str, str, int], list[tuple[str, Finding]]] = {}
    for image, findings in found.items():
        for one in findings:
            if is_kit(one.file):
                shared.setdefault((one.rule, one.path, one.file, one.line), []).append((image, one))
    return own, ordered(_once(group, having_kit) for group in shared.values())


def _once(group: Sequence[tuple[str, Finding]], having_kit: set[str]) -> Finding:
    """One finding for many images; those that have it are named where some have it not."""
    images, first = sorted({image for image, _ in group}), group[0][1]
    if having_kit <= set(images):
        return first
    says = f"{first.message} (in {', '.join(images)})"
    return Finding(first.rule, first.severity, first.path, first.file, first.line, says)
