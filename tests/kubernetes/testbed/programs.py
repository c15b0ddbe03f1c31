"""The programs of a cluster, built from Go modules once and kept in the cache folder.

Asked by everything beside this file. Kubernetes' own six and etcd are one program, `kube`, that
looks at the name it is called by: one link instead of seven. A built program lies under the hash of
what it was built from, so that it is built again only when that changes. Cold, `kube` takes about
six minutes on two cores, the rest two; after that nothing.

`KUBEBUILDER_ASSETS`, a folder with etcd, kube-apiserver, kubectl and perhaps more, is taken instead
of `kube` where it is set.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

MODULES = Path(__file__).resolve().parent / "modules"
CACHE = Path(os.environ.get("STATOR_CACHE", str(Path.home() / ".cache" / "stator")))
BUILD_SECONDS = 2400.0
CALLED_AS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
# Programs that a registry has whole, by module and version.
INSTALLED = {
    "helm": "helm.sh/helm/v3/cmd/helm@v3.22.0",
    "kind": "sigs.k8s.io/kind@v0.33.0",
}
# Programs of packages that are more than the program: package, and the program's path in it.
PACKAGED = {"promtool": ("prometheus", "./usr/bin/promtool")}


class Missing(Exception):
    """What a cluster needs cannot be had on this machine. The text says what, and what to do."""


@functools.cache
def program(name: str) -> Path:
    """The path of a program, which is built if nobody has yet. Raises Missing."""
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given and name in CALLED_AS:
        if not (Path(given) / name).exists():
            raise Missing(f"there is no {name} in KUBEBUILDER_ASSETS, {given}")
        return Path(given) / name
    if name in INSTALLED:
        return _installed(name)
    if name in PACKAGED:
        return _unpacked(name)
    if name in CALLED_AS:
        return _built("kube", _kubernetes_version_flags()) / name
    return _built(name, "") / name


def found(name: str) -> Path:
    """A program that the machine's own packages bring. Raises Missing."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        raise Missing(f"there is no `{name}`: make kubernetes-packages")
    return Path(path)


def go() -> str:
    """Go's own command. Raises Missing."""
    path = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    if path is None:
        raise Missing("the cluster's programs are built with Go: there is no `go` on the path")
    return path


def _built(name: str, flags: str) -> Path:
    """The folder of the program that is built from `modules/name`."""
    sources = [MODULES / name / file for file in ("go.mod", "go.sum", "main.go")]
    contents = b"".join(source.read_bytes() for source in sources if source.exists())
    folder = CACHE / f"kubernetes-{name}-{_digest(contents + flags.encode())}"
    if not folder.exists():
        own = _own(folder)
        link = f"-s -w {flags}".strip()
        command = ["build", "-trimpath", "-ldflags", link, "-o", str(own / name), "."]
        _run_go(command, MODULES / name, {})
        for call in CALLED_AS if name == "kube" else ():
            (own / call).symlink_to(name)
        _move(own, folder)
    return folder


def _installed(name: str) -> Path:
    module = INSTALLED[name]
    folder = CACHE / f"kubernetes-{name}-{_digest(module.encode())}"
    if not folder.exists():
        own = _own(folder)
        command = ["install", "-trimpath", "-ldflags", "-s -w", module]
        _run_go(command, CACHE, {"GOBIN": str(own)})
        _move(own, folder)
    return folder / name


def _unpacked(name: str) -> Path:
    """A program out of a package that is not installed: it would bring a service along."""
    if path := shutil.which(name):
        return Path(path)
    package, member = PACKAGED[name]
    folder = CACHE / f"kubernetes-{name}-{_digest(package.encode())}"
    if not folder.exists():
        own = _own(folder)
        try:
            _run(["apt-get", "download", package], own)
        except Missing:  # A machine's lists of packages may be older than the packages.
            _run(["apt-get", "update", "-qq"], own)
            _run(["apt-get", "download", package], own)
        (archive,) = own.glob("*.deb")
        _run(["dpkg-deb", "--extract", archive.name, "."], own)
        shutil.copy(own / member, own / name)
        shutil.rmtree(own / "usr")
        archive.unlink()
        _move(own, folder)
    return folder / name


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=BUILD_SECONDS)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(f"`{' '.join(command)}` failed: {error}") from error


def _own(folder: Path) -> Path:
    own = folder.with_name(f"{folder.name}.{os.getpid()}")
    own.mkdir(parents=True, exist_ok=True)
    return own


def _move(own: Path, folder: Path) -> None:
    """Put a finished folder in place; where somebody else was first, theirs is as good."""
    try:
        own.rename(folder)
    except OSError:
        shutil.rmtree(own)


def _run_go(words: list[str], folder: Path, environment: dict[str, str]) -> None:
    command = [go(), *words]
    # Without version control's stamp: the same sources make the same program everywhere.
    built_how = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | built_how | environment,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Missing(f"`{' '.join(command)}` failed:\n{done.stderr[-2000:]}")


def _kubernetes_version_flags() -> str:
    """What Kubernetes' own build tells its programs about their version; they need to know it."""
    text = (MODULES / "kube" / "go.mod").read_text()
    found_version = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", text)
    assert found_version is not None
    version, major, minor = found_version.groups()
    facts = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "module",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {at}.{fact}={value}" for at in packages for fact, value in facts.items())


def _digest(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()[:16]
