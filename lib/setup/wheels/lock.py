"""Writes the lists of Python wheels that set-up installs, each with the SHA-256 of every build of it for Linux x64.

    .venv/bin/python lib/setup/wheels/lock.py jupyter cpu gpu study

It asks pip what the lines of requirements.txt bring along, holds every package at the version that the present list has (take a line
out of the list to let it move), and asks PyPI for the digests. Set-up then installs nothing that is not in the list
(pip install --require-hashes --only-binary :all:).
"""

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent.parent
OURS = re.compile(r"-(py3|py2\.py3|cp3\d+)-(none|abi3|cp3(1[1-9]|[2-9]\d)t?)-(any|.*manylinux.*x86_64.*|linux_x86_64)\.whl$")


UNUSED = {"connection_pool"}  # published as source alone; Snakemake 9.27 names it and imports it nowhere


def requirements(name):
    """The lines of requirements.txt that a list is for."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    marked = [line.removeprefix(f"#{name}:").strip() for line in lines if line.startswith(f"#{name}:")]
    return marked or [line for line in lines if re.match(r"\w", line)]


def pins(file):
    """What a list holds a package at."""
    return re.findall(r"^([\w.-]+==\S+)", file.read_text(), re.M) if file.exists() else []


def resolved(wanted, held, alone):
    """Name and version of every package that is installed for some requirements."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        constraints.write_text("\n".join(held))
        options = ["--dry-run", "--ignore-installed", "--only-binary", ":all:", "--no-binary", ",".join(UNUSED), "--quiet", *(["--no-deps"] if alone else [])]
        pip = [sys.executable, "-m", "pip", "install", *options, "--report", str(report), "-c", str(constraints), *wanted]
        subprocess.run(pip, check=True)
        found = [item["metadata"] for item in json.loads(report.read_text())["install"]]
        return sorted((item["name"], item["version"]) for item in found if item["name"] not in UNUSED)


def digests(name, version):
    """Of every wheel of a package's version that Linux x64 with Python 3.11 or later can take."""
    url = f"https://pypi.org/simple/{re.sub(r'[-_.]+', '-', name).lower()}/"
    request = urllib.request.Request(url, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)["files"]
    start = re.compile(rf"^[^-]+-{re.escape(version)}-")
    return sorted(each["hashes"]["sha256"] for each in files if start.match(each["filename"]) and OURS.search(each["filename"]))


def main(names):
    for name in names:
        file = FOLDER / f"{name}.txt"
        wanted = requirements(name)
        lines = [f"# {' '.join(wanted)} and what it brings along; made by lock.py"]
        for package, version in resolved(wanted, pins(file), alone=name == "cpu"):
            hashes = digests(package, version)
            if not hashes:
                sys.exit(f"Cannot list {package} {version}: found no wheel of it for Linux x64 on PyPI")
            lines.append(" \\\n    ".join([f"{package}=={version}", *(f"--hash=sha256:{digest}" for digest in hashes)]))
        file.write_text("\n".join(lines) + "\n")
        print(f"{file.relative_to(ROOT)}: {len(lines) - 1} packages")


main(sys.argv[1:])
