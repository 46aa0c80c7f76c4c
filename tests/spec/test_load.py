"""A declaration as typed values that know where they came from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from check.case import CASES
from pydantic import ValidationError

from dockwright.spec.finding import SpecError
from dockwright.spec.load import load_fleet, read_fleet, read_what_is_good
from dockwright.spec.model import PROFILE_KEYS, Fleet, Instance

FOLDER = Path(__file__).parents[2] / "fleet"


@pytest.fixture(name="folder")
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CASES / "fleet", tmp_path / "fleet"))


def edit(folder: Path, old: str, new: str, file: str = "fleet.toml") -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


@pytest.fixture(name="fleet", scope="module")
def real() -> Fleet:
    return load_fleet(FOLDER)


def test_a_value_knows_its_file_and_line(fleet: Fleet) -> None:
    row = fleet.services["NLUAgent"]
    line = (FOLDER / "fleet.toml").read_text().splitlines()[row.line("port") - 1]
    assert row.file == "fleet/fleet.toml"
    assert line.startswith("NLUAgent ")


def test_every_row_stands_on_one_line(fleet: Fleet) -> None:
    lines = [(row.line(), row.line("health_port")) for row in fleet.services.values()]
    assert all(first == last for first, last in lines)
    assert len(set(lines)) == 63


def test_lineage_resolves_aliases_and_starts_at_the_top(fleet: Fleet) -> None:
    assert fleet.lineage("family-cpu-pydeps") == ("base-python", "base-utils", "base-cpu-pydeps")
    assert fleet.lineage("family-llm-cu121")[-2:] == ("family-torch-cu121", "family-llm-cu121")
    assert fleet.lineage("nothing") == ()


def test_generations_put_parents_first_and_leave_aliases_out(fleet: Fleet) -> None:
    order = fleet.by_generation()
    assert len(order) == 9
    for name in order:
        parent = fleet.families[name].parent
        assert parent in fleet.roots or order.index(str(parent)) < order.index(name)


def test_a_familys_python(fleet: Fleet) -> None:
    assert fleet.python_of("family-web") == "3.11"
    assert fleet.python_of("legacy-py310-cpu") == "3.10"


def test_the_profile_has_section_ds_five_keys(fleet: Fleet) -> None:
    assert all(tuple(machine.profile) == PROFILE_KEYS for machine in fleet.machines.values())


def test_every_instance_is_in_one_phase(fleet: Fleet) -> None:
    phases = [(phase.name, len(instances)) for phase, instances in fleet.phase_instances()]
    assert phases == [("core-infra", 8), ("gpu-mainpc", 17), ("cpu-pc2", 15), ("gpu-pc2", 5), ("cpu-mainpc", 21)]


def test_an_instance_is_named_by_machine_and_service() -> None:
    assert Instance("ServiceRegistry", "mainpc").name == "mainpc/ServiceRegistry"


def test_values_cannot_be_changed(fleet: Fleet) -> None:
    with pytest.raises(ValidationError):
        fleet.services["NLUAgent"].port = 1


def test_equal_declarations_are_equal_wherever_they_stand(folder: Path) -> None:
    before = load_fleet(folder)
    edit(folder, "[services]", "# a comment\n\n[services]")
    after = load_fleet(folder)
    assert before.services == after.services
    assert before.services["Beta"].line() + 2 == after.services["Beta"].line()


def test_an_implementation_is_read_with_its_defaults(folder: Path) -> None:
    service = load_fleet(folder).implementations["Alpha"]
    assert (service.entry, service.workers, service.state, service.calls) == ("alpha.app:create", 1, False, ("Beta",))


def test_everything_wrong_is_raised_at_once(folder: Path) -> None:
    edit(folder, "port = 7001", 'port = "x"')
    edit(folder, "port = 7002", "prot = 7002")
    edit(folder, "memory_mb = 96", "memory = 96", "services/Alpha/service.toml")
    with pytest.raises(SpecError) as error:
        load_fleet(folder)
    assert [finding.path for finding in error.value.findings] == [
        "services.Alpha.port",
        "services.Beta.port",
        "services.Beta.prot",
        "memory_mb",
        "memory",
    ]
    assert error.value.exit_code == 2


def test_a_fleet_whose_names_lead_nowhere_cannot_be_loaded(folder: Path) -> None:
    edit(folder, 'parent = "debian"', 'parent = "nowhere"')
    assert read_fleet(folder)[1] == []
    with pytest.raises(SpecError, match="there is no family or root 'nowhere'"):
        load_fleet(folder)


def test_a_circle_of_families_ends(folder: Path) -> None:
    edit(folder, 'parent = "debian"', 'parent = "llm-cu121"')
    fleet, _ = read_fleet(folder)
    assert fleet is not None
    assert set(fleet.by_generation()) == {"base", "base-cu121", "llm-cu121"}


def test_one_bad_row_leaves_the_others_readable(folder: Path) -> None:
    edit(folder, "port = 7002", 'port = "x"')
    edit(folder, 'id = "R1"', "id = 1")
    reading = read_what_is_good(folder)
    assert reading.fleet is not None
    assert set(reading.fleet.services) == {"Alpha", "Gamma", "Delta"}
    assert reading.fleet.risks == ()
    assert reading.dropped == {"Beta", "1"}
    assert read_fleet(folder)[0] is None


def test_a_service_that_cannot_be_read_is_left_out(folder: Path) -> None:
    (folder / "services" / "Alpha" / "service.toml").unlink()
    fleet, findings = read_fleet(folder)
    assert fleet is not None and fleet.implementations == {}
    assert [str(finding) for finding in findings] == [
        "fleet/services/Alpha/service.toml:1: service.toml: the file does not exist"
    ]
