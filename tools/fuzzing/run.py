"""Let schemathesis loose on a served cluster: `python tools/fuzzing/run.py path/to/schemathesis [SECONDS] [GROUP …]`.

Each group version of `/openapi/v3` (or those named, `apis/apps/v1`) gets so many seconds (60). Prints a line for each
and what went wrong: answers of 500 and above that the real server does not give, and objects that a refused write has
changed. A traceback of the server is among the lines. schemathesis needs an environment of its own and is no
dependency of this project.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import yaml

from k8snb.testing import served

PASSED_OVER = "/proxy|/exec|/attach|/portforward"
"""What is a connection, and not an answer."""


def fuzz(program: str, seconds: int, groups: list[str]) -> int:
    """Run all groups; returns how much went wrong."""
    wrong = 0
    with served(nodes=2) as path, tempfile.TemporaryDirectory() as folder:
        config = yaml.safe_load(path.read_text())
        cluster, token = config["clusters"][0]["cluster"], config["users"][0]["user"]["token"]
        authority, found = Path(folder, "ca.crt"), Path(folder, "found.json")
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        server = cluster["server"]
        told = {"TOKEN": token, "AUTHORITY": str(authority), "SERVER": server, "FOUND": str(found)}
        hooks = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(Path(__file__).parent)}
        header = {"Authorization": f"Bearer {token}"}
        index = httpx.get(f"{server}/openapi/v3", headers=header, verify=str(authority)).json()
        for group in groups or [each for each in sorted(index["paths"]) if each.count("/") > 0]:
            command = [program, "run", f"{server}/openapi/v3/{group}", "-u", server, "--phases", "fuzzing"]
            command += ["-H", f"Authorization: Bearer {token}", "--tls-verify", str(authority), "-n", "20"]
            command += ["-c", "not_a_server_error", "--continue-on-failure", "--suppress-health-check", "all"]
            command += ["--no-shrink", "--exclude-path-regex", PASSED_OVER, "--max-time", str(seconds)]
            subprocess.run(command, env={**os.environ, **told, **hooks}, check=False, stdout=subprocess.DEVNULL)
            outcome = json.loads(found.read_text())
            wrong += len(outcome["broken"])
            print(
                f"{group}: {outcome['requests']} requests, {len(outcome['broken'])} wrong",
                *outcome["broken"],
                sep="\n  ",
            )
    return wrong


if __name__ == "__main__":
    program, *rest = sys.argv[1:]
    seconds = int(rest.pop(0)) if rest and rest[0].isdecimal() else 60
    sys.exit(1 if fuzz(program, seconds, rest) else 0)
