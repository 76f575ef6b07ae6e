# SPDX-License-Identifier: BSD-2-Clause
"""conf/lima.yaml, which cannot be run here: its keys are Lima's, its scripts are bash, and they do what the README says."""
import re
import subprocess
import textwrap

import pytest
from harness import SRC

TEXT = (SRC / "conf/lima.yaml").read_text()

# Of Lima 2.2.0, pkg/limatype/lima_yaml.go: those that the recipe may use, by the key that they are below
KEYS = {
    "": {"minimumLimaVersion", "vmType", "arch", "images", "cpus", "memory", "disk", "mounts", "mountType",
         "mountTypesUnsupported", "containerd", "provision", "probes", "param", "env", "message"},
    "images": {"location", "arch", "digest", "kernel", "initrd", "variant"},
    "mounts": {"location", "mountPoint", "writable"},
    "containerd": {"system", "user"},
    "provision": {"mode", "script"},
    "probes": {"mode", "description", "script", "hint"},
}


def sections():
    """{key at the left: the lines below it}"""
    parts = re.split(r"^(\w+):", re.sub(r"^#.*\n", "", TEXT, flags=re.M), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def scripts():
    return [textwrap.dedent(text) for text in re.findall(r"^  script: \|\n((?:    .*\n|\n)+)", TEXT, re.M)]


def test_keys_are_those_of_lima():
    assert set(sections()) <= KEYS[""] and {"images", "mounts", "provision"} <= set(sections())
    for name, keys in KEYS.items():
        found = set(re.findall(r"^(?:- |  )(\w+):", sections().get(name, ""), re.M))
        assert found <= keys and (found or not name), name


def test_every_param_is_used():
    """Lima refuses others."""
    for name in re.findall(r"^  (\w+):", sections()["param"], re.M):
        assert f"{{{{.Param.{name}}}}}" in TEXT


def test_an_image_for_each_kind_of_mac():
    images = dict(re.findall(r"- location: (https://\S+\.qcow2)\n  arch: (\w+)", sections()["images"]))
    assert sorted(images.values()) == ["aarch64", "x86_64"]


@pytest.mark.parametrize("number", range(2))
def test_scripts_are_bash(number):
    assert len(scripts()) == 2 and scripts()[number].startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n"], input=scripts()[number], text=True, check=True)


def test_builds_as_the_readme_says():
    readme = (SRC / "README.md").read_text()
    for command in "autoreconf -fi", "./configure", "make install":
        assert command in scripts()[0] and command in readme
    groups = re.search(r"tests/setup (.*)", scripts()[0])[1].split()
    assert groups and all(f"[{group}]=" in (SRC / "tests/setup").read_text() for group in groups)


def test_the_readme_starts_it_as_its_head_says():
    command = re.search(r"^#     (limactl start .*)$", TEXT, re.M)[1]
    assert command in (SRC / "README.md").read_text()
