"""A plan as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from dockwright.build.layers import Layer
from dockwright.build.plan import Action, Entry, Plan
from dockwright.build.remote import Remote
from dockwright.cli.sized import amount

COLUMNS = ("IMAGE", "", "WHY")
WORDS: dict[str, Action] = {"build": "build", "pull": "pull", "tag": "tag", "leave": "nothing"}
# A reason is one line: what else has changed, --json tells.
MOST_CHANGES = 4


@dataclass(frozen=True)
class Told:
    """What `plan` says. `layers`: the measured ones; `engine`: where it was asked, empty when none answered."""

    plan: Plan
    layers: Mapping[str, Layer]
    engine: str
    remote: Remote = field(default_factory=Remote)

    def rows(self) -> list[tuple[str, ...]]:
        """One line for each image that something is done with; all of them where no engine answered."""
        if not self.engine:
            return [(name, "?", entry.image.input_digest) for name, entry in self.plan.entries.items()]
        pulled = [
            (name, "pull", f"{self.remote.place} has it: {amount(self.remote.images[name])} at most")
            for name in self.plan.of("pull")
        ]
        return [*pulled, *((name, "build", reason(entry)) for name, entry in self.plan.of("build").items())]

    def closing(self) -> Iterator[str]:
        plan, total = self.plan, len(self.plan.entries)
        if not self.engine:
            yield f"{total} images by input digest; which of them are there, only an engine can say"
            return
        again = plan.of("tag")
        if again:
            yield f"tag {len(again)} images again, as {plan.origin.tag}: nothing that decides them has changed"
        if plan.empty:
            yield f"nothing to do: the engine has all {total} images, of exactly these inputs"
        else:
            counts = {word: len(plan.of(action)) for word, action in WORDS.items()}
            told = ", ".join(f"{word} {count}" for word, count in counts.items() if count)
            yield f"{told} of {total} images"
        if plan.missing and plan.origin.dirty:
            yield f"the work tree holds what no commit has: {plan.origin.tag}; no release takes such images"
        yield self._push()

    def _push(self) -> str:
        size, unknown = self.pushed()
        where = f"to {self.remote.place}" if self.remote.place else "to an empty registry"
        some = f"; {len(unknown)} layers are not measured, ./dockwright sizes does that" if unknown else ""
        later = "; of what is not built yet, nobody knows" if self.plan.missing else ""
        return f"a push {where} would move {amount(size)}{later}{some}"

    def pushed(self) -> tuple[int, set[str]]:
        """Compressed bytes of the layers that the registry lacks, each once, and those that nobody has measured."""
        layers = self.plan.layers() - self.remote.layers.keys()
        return sum(self.layers[one].compressed for one in layers if one in self.layers), layers - self.layers.keys()

    def as_json(self) -> dict[str, object]:
        """The shape that `plan --json` prints."""
        size, unknown = self.pushed()
        actions: tuple[Action, ...] = ("build", "pull", "tag", "nothing", "unknown")
        return {
            "engine": self.engine or None,
            "registry": self.remote.place or None,
            "git_sha": self.plan.origin.git_sha,
            "dirty": self.plan.origin.dirty,
            "tag": self.plan.origin.tag,
            "counts": {action: len(self.plan.of(action)) for action in actions},
            "push": {"bytes": size, "layers_not_measured": len(unknown), "images_not_built": [*self.plan.missing]},
            "images": [self._image(name, entry) for name, entry in self.plan.entries.items()],
        }

    def _image(self, name: str, entry: Entry) -> dict[str, object]:
        return {
            "name": name,
            "action": entry.action,
            "input_digest": entry.image.input_digest,
            "reference": entry.reference,
            "digest": entry.stored.digest if entry.stored else None,
            "compressed_bytes": self._compressed(name, entry),
            "why": entry.reason,
            "since": entry.since or None,
            "changes": [asdict(change) for change in entry.changes],
        }

    def _compressed(self, name: str, entry: Entry) -> int | None:
        """The bytes of an image in a registry, where they are known."""
        layers = set(entry.stored.layers) if entry.stored else set()
        if not layers or layers - self.layers.keys():
            return self.remote.images.get(name)
        return sum(self.layers[layer].compressed for layer in layers)


def reason(entry: Entry) -> str:
    """Why an image is built, in one line."""
    shown = entry.changes[:MOST_CHANGES]
    more = len(entry.changes) - len(shown)
    told = "; ".join(map(str, shown)) + (f"; and {more} more" if more else "")
    return entry.why or told
