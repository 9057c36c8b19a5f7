"""Print the lowest versions that pyproject.toml admits, as pip constraints: ``python .ci/lowest.py > lowest.txt``."""

import re
import tomllib
from pathlib import Path

# A lower bound `>=` on a name with or without extras; a constraint must not repeat the extras.
LOWER_BOUND = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*>=\s*(?P<version>[^,;\s]+)$")


def lowest(requirements: list[str]) -> list[str]:
    """Return ``name==version`` for every requirement.

    Raises:
        SystemExit: a requirement has another form than ``name>=version``.
    """
    pins = []
    for requirement in requirements:
        match = LOWER_BOUND.match(requirement)
        if match is None:
            raise SystemExit(f"a dependency must have the form `name>=version`, but one is {requirement!r}.")
        pins.append(f"{match['name']}=={match['version']}")
    return pins


def main() -> None:
    """Print one pin a line: the dependencies, then the extra ``test``."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print(*lowest(project["dependencies"] + project["optional-dependencies"]["test"]), sep="\n")


if __name__ == "__main__":
    main()
