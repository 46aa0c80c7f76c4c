"""What is told of a build: BuildKit's own words as it really says them, cut down to what a person wants to know."""

from __future__ import annotations

import pytest

from dockwright.build.steps import Steps

# Lines of `docker buildx bake --progress=plain` of version 0.13, two targets, shortened.
TWO = """\
#0 building with "default" instance using docker driver
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 1.23kB done
#1 DONE 0.0s
#2 [base-utils context root] oci-layout://x
#2 DONE 3.0s
#5 [base-utils debs 1/2] RUN --mount=type=bind,from=scripts,target=/scripts /scripts/fetch-debs apt.in
#5 0.331 Get:1 http://mirror.test bookworm InRelease
#5 DONE 4.2s
#6 [family-web wheels 2/2] RUN /scripts/fetch-wheels
#6 CACHED
#7 [family-web runtime 1/1] COPY a b
#7 DONE 0.1s
#8 [base-utils] exporting to image
#8 exporting layers 0.5s done
#8 DONE 0.6s
#9 [family-web] exporting to image
#9 DONE 0.2s
"""
ONE = """\
#5 [wheels 2/3] RUN --mount=type=cache,target=/c /scripts/fetch-wheels /requirements.lock
#5 DONE 12.5s
#8 exporting to image
#8 DONE 0.6s
"""
BROKEN = """\
#5 [family-web wheels 2/3] RUN /scripts/fetch-wheels
#5 0.52 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES
#5 ERROR: process "/bin/sh -c /scripts/fetch-wheels" did not complete successfully: exit code: 1
#6 [base-utils] exporting to image
#6 ERROR: canceled: context canceled
------
 > [family-web wheels 2/3] RUN /scripts/fetch-wheels:
"""


def followed(text: str, images: dict[str, str]) -> tuple[list[str], Steps]:
    said: list[str] = []
    steps = Steps(images, said.append)
    for line in text.splitlines():
        steps.follow(line)
    return said, steps


def test_each_image_is_told_as_it_is_done_and_the_steps_that_took_long() -> None:
    said, steps = followed(TWO, {"base-utils": "base-utils", "family-web": "family-web"})
    assert said == [
        "  base-utils [debs 1/2] RUN /scripts/fetch-debs apt.in  4.2 s",
        "  1 of 2 images: base-utils",
        "  2 of 2 images: family-web",
    ]
    assert steps.broken == []


def test_a_single_image_is_named_though_buildkit_does_not() -> None:
    said, _ = followed(ONE, {"mainpc_One": "mainpc/One"})
    assert said == [
        "  mainpc/One [wheels 2/3] RUN /scripts/fetch-wheels /requirements.lock  12.5 s",
        "  1 of 1 images: mainpc/One",
    ]


def test_what_broke_is_the_first_failed_step_with_what_it_wrote() -> None:
    said, steps = followed(BROKEN, {"base-utils": "base-utils", "family-web": "family-web"})
    assert said == []
    assert steps.broken == [
        "family-web [wheels 2/3] RUN /scripts/fetch-wheels",
        "0.52 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES",
    ]


def test_a_step_that_failed_before_it_wrote_has_buildkits_own_words() -> None:
    _, steps = followed("#5 [a one 1/1] RUN x\n#5 ERROR: network bridge not found", {"a": "a", "b": "b"})
    assert steps.broken == ["a [one 1/1] RUN x", "ERROR: network bridge not found"]


@pytest.mark.parametrize("line", ["", "#", "#x y", "no number", "#1", "#1 ", "#1 [", "#1 []", "#1 [ ] x", "#1 DONE"])
def test_lines_that_say_nothing_are_passed_over(line: str) -> None:
    said, steps = followed(f"{line}\n{line}", {"a": "a"})
    assert (said, steps.broken) == ([], [])


def test_a_step_that_writes_without_end_is_bounded_in_what_is_shown() -> None:
    lines = "\n".join(f"#5 {number}.0 line" for number in range(1000))
    _, steps = followed(f"#5 [a one 1/1] RUN x\n{lines}\n#5 ERROR: failed", {"a": "a", "b": "b"})
    assert len(steps.broken) == 21
    assert steps.broken[-1] == "999.0 line"


def test_what_was_cancelled_is_not_what_is_broken_and_plumbing_that_fails_says_why() -> None:
    steps = Steps({"a": "a", "b": "b"}, lambda _: None)
    for line in (
        "#1 [a context kit] load from client",
        "#1 transferring kit: 12.70kB 0.0s done",
        "#2 [b context kit] load from client",
        "#1 ERROR: context canceled",
        "#2 ERROR: only one connection allowed",
    ):
        steps.follow(line)
    assert steps.broken[-1] == "ERROR: only one connection allowed"
