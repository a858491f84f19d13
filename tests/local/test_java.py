"""Finding Java and the jars of the real parts: what is missing is named, and Maven is asked once."""

import os
import stat

import pytest

from local import java
from local.config import StartError


def program(folder, name, script):
    """An executable shell script."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of its own: nothing installed, nothing fetched."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(java, "CACHE", tmp_path / "cache")
    return tmp_path


def version(number):
    return f"echo 'openjdk version \"{number}\" 2025-04-15' >&2"


def test_no_java_is_one_line_that_says_what_to_install(machine):
    with pytest.raises(StartError, match=r"^no java found: install Java 17 .*apt-get install.*$"):
        java.check()


def test_a_java_that_is_too_old_is_named(machine):
    old = program(machine / "bin", "java", version("11.0.2"))
    with pytest.raises(StartError, match=rf"{old} is not Java 17 or newer: install"):
        java.check()


def test_java_home_goes_before_the_path(machine, monkeypatch):
    program(machine / "bin", "java", version("11.0.2"))
    chosen = program(machine / "home" / "bin", "java", version("21.0.1"))
    monkeypatch.setenv("JAVA_HOME", str(machine / "home"))
    assert java.java() == str(chosen)
    java.check()


def test_a_java_home_without_java_is_named(machine, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(machine / "nowhere"))
    with pytest.raises(StartError, match=r"no java in .*nowhere/bin \(JAVA_HOME\)"):
        java.check()


def test_no_maven_is_one_line_that_says_what_to_install(machine):
    with pytest.raises(StartError, match=r"^no mvn found: install Maven .*$"):
        java.classpath("kafka")


MAVEN = """
/bin/echo called >> {calls}
for word in "$@"; do case "$word" in -Dmdep.outputFile=*) target="${{word#*=}}";; esac; done
i=0; while [ $i -lt 20 ]; do i=$((i+1)); /bin/echo "Downloaded from central: https://repo/a-$i.jar (1 kB)"; done
printf %s {jar} > "$target"
"""


def test_maven_is_asked_once_and_says_how_far_it_is(machine):
    jar, calls, heard = machine / "a.jar", machine / "calls", []
    jar.touch()
    program(machine / "bin", "mvn", MAVEN.format(calls=calls, jar=jar))
    assert java.classpath("kafka", heard.append) == str(jar)
    assert java.classpath("kafka", heard.append) == str(jar)
    assert calls.read_text().split() == ["called"]
    assert heard == ["kafka: fetching the jars of pom.xml from Maven Central, once", "kafka: 20 jars"]


def test_a_jar_that_is_gone_is_fetched_again(machine):
    jar, calls = machine / "a.jar", machine / "calls"
    jar.touch()
    program(machine / "bin", "mvn", MAVEN.format(calls=calls, jar=jar))
    java.classpath("kafka")
    jar.unlink()
    java.classpath("kafka")
    assert calls.read_text().split() == ["called", "called"]


def test_what_maven_complains_of_is_passed_on(machine):
    program(machine / "bin", "mvn", "echo '[ERROR] no such host'; exit 1")
    with pytest.raises(StartError, match=r"Maven cannot fetch kafka .*no such host"):
        java.classpath("kafka")
    assert not list(java.CACHE.glob("*.classpath"))


def test_a_java_program_starts_with_a_small_heap(machine):
    program(machine / "bin", "java", version("17.0.15"))
    program(machine / "bin", "mvn", MAVEN.format(calls=machine / "calls", jar=machine / "a.jar"))
    command = java.command("kafka", "kafka.Kafka", "x.properties", heap="64m")
    assert "-Xmx64m" in command
    assert command[-4:] == ["-cp", str(machine / "a.jar"), "kafka.Kafka", "x.properties"]
    assert os.access(command[0], os.X_OK)
