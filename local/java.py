"""Java for the real parts: which one runs, and the jars of a profile of pom.xml, fetched once by Maven.

The jars stay in Maven's own repository (~/.m2). What is kept here is a profile's class path, in a file named after the
pom's content, so that the second start calls no Maven and a changed pom is fetched anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from local.config import REPOSITORY, StartError, write_atomically

POM = Path(__file__).with_name("pom.xml")
CACHE = REPOSITORY / ".local" / "java"
OLDEST = 17
_INSTALL = f"install Java {OLDEST} or newer (Debian: apt-get install openjdk-17-jre-headless), or name it in JAVA_HOME"
_FAST_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_PROGRESS_EVERY = 20


def java() -> str:
    """The java of JAVA_HOME, else of PATH. Raises StartError when there is none."""
    home = os.environ.get("JAVA_HOME")
    program = shutil.which(str(Path(home) / "bin" / "java") if home else "java")
    if program is None:
        raise StartError(f"no java in {home}/bin (JAVA_HOME): {_INSTALL}" if home else f"no java found: {_INSTALL}")
    return program


def check() -> None:
    """Raises StartError when there is no java, or one that is too old."""
    program = java()
    told = subprocess.run([program, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < OLDEST:
        raise StartError(f"{program} is not Java {OLDEST} or newer: {_INSTALL}")


def classpath(profile: str, say: Callable[[str], None] = lambda line: None) -> str:
    """The class path of a profile of pom.xml, fetched when it is not here yet; `say` hears how far that is.

    Raises StartError when Maven is missing or fails.
    """
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    kept = CACHE / f"{profile}-{digest}.classpath"
    if kept.is_file() and all(Path(jar).is_file() for jar in kept.read_text().split(os.pathsep)):
        return kept.read_text()
    CACHE.mkdir(parents=True, exist_ok=True)
    fetched = kept.with_suffix(f".{os.getpid()}.tmp")
    _fetch(profile, fetched, say)
    write_atomically(kept, fetched.read_bytes())
    fetched.unlink()
    return kept.read_text()


def _fetch(profile: str, target: Path, say: Callable[[str], None]) -> None:
    """Let Maven fetch a profile's jars and write their paths to `target`."""
    maven = shutil.which("mvn")
    if maven is None:
        raise StartError("no mvn found: install Maven (Debian: apt-get install maven)")
    goal = ["dependency:build-classpath", f"-Dmdep.outputFile={target}", "-DincludeScope=runtime"]
    command = [maven, "-B", "-f", str(POM), "-P", profile, *goal]
    say(f"{profile}: fetching the jars of {POM.name} from Maven Central, once")
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        jars = 0
        for line in process.stdout:
            lines.append(line.strip())
            if "Downloaded from" in line and ".pom " not in line:
                jars += 1
                if jars % _PROGRESS_EVERY == 0:
                    say(f"{profile}: {jars} jars")
    if process.returncode or not target.is_file():
        reason = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "it said nothing")
        raise StartError(f"Maven cannot fetch {profile} ({' '.join(command)}): {reason}")


def command(profile: str, main: str, *arguments: str, heap: str, options: tuple[str, ...] = ()) -> list[str]:
    """The command line of a Java program of a profile, with a small heap and started fast rather than run fast."""
    flags = (*_FAST_START, f"-Xmx{heap}", *options)
    return [java(), *flags, "-cp", classpath(profile), main, *arguments]
