"""``make audit``: whether anything that is installed has a vulnerability that is publicly known.

``python -m tests.vulnerabilities PIP_AUDIT SITE_PACKAGES``. pip-audit takes a package that its database doesn't answer
about for one without vulnerabilities. So it is first asked about a release that is known to have some.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

#: A release with vulnerabilities that every such database knows.
KNOWN = "django==3.2.0"

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2


def main(pip_audit: str, place: str) -> int:
    """Audit, and say what was found; return the exit code."""
    if not any(dependency.get("vulns") for dependency in _audit(pip_audit, "-r", "/dev/stdin", asked=KNOWN)):
        print("The database of known vulnerabilities is out of reach; nothing is known about what is installed.")
        return UNKNOWN
    found = _audit(pip_audit, "--path", place)
    for dependency in found:
        for vulnerability in dependency.get("vulns", ()):
            mended = ", ".join(vulnerability["fix_versions"]) or "no release yet"
            print(f"{dependency['name']} {dependency['version']}: {vulnerability['id']}, mended in {mended}")
    unknown = [dependency["name"] for dependency in found if "skip_reason" in dependency]
    if unknown:
        print(f"not known to the database: {', '.join(unknown)}")
    vulnerable = any(dependency.get("vulns") for dependency in found)
    print("known vulnerabilities: see above" if vulnerable else f"{len(found)} packages, no known vulnerabilities")
    return VULNERABLE if vulnerable else CLEAN


def _audit(pip_audit: str, *words: str, asked: str = "") -> list[dict[str, Any]]:
    command = [pip_audit, "--format", "json", "--progress-spinner", "off", "--timeout", "10", *words]
    command += ["--no-deps", "--disable-pip"] if asked else []
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return []


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
