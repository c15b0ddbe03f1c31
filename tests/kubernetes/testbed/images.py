"""Images for the nodes, made without a registry: two small ones, a base, and the project's own.

`basic_images` are what every node begins with: `pause`, which Kubernetes itself needs, and
`busybox`, for pods that are there only to be there. `stator_archive` builds the project's
Dockerfile on a base made from the machine's own distribution (debootstrap). Root only.

What is slow is kept in the cache folder: the base under the hash of how it is made, and the layers
of the project's image, so that its packages are installed again only when they change.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from testbed.programs import CACHE, Missing, found, program

ROOT = Path(__file__).resolve().parents[3]
STORAGE = CACHE / "kubernetes-images"
BUSYBOX = "localhost/busybox:1"
PAUSE = "localhost/pause:1"
PYTHON = "localhost/python:{digest}"
BUILDER = "localhost/python-with-pip:{digest}"
STATOR = "localhost/stator:test"
STATOR_BUILD = "localhost/stator-build:test"
COMMAND_SECONDS = 900.0
# What the base has besides the smallest Debian, and what it can do without.
BASE_PACKAGES = "python3,ca-certificates"
NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache")
CERTIFICATES = Path("/etc/ssl/certs")
# Settings of pip that mean a folder of this machine, which a build does not see.
NOT_FOR_BUILDS = ("find-links", "cache-dir", "target", "prefix", "log")

BUSYBOX_FILE = """\
FROM scratch
COPY . /
ENV PATH=/bin
ENTRYPOINT []
CMD ["sh"]
"""
PAUSE_FILE = """\
FROM scratch
COPY . /
ENTRYPOINT ["/pause"]
"""
BASE_FILE = """\
FROM scratch
COPY . /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""


def basic_images() -> Path:
    """The folder of the archives of pause and busybox. Raises Missing."""
    made_how = hashlib.sha256(f"{BUSYBOX_FILE}{PAUSE_FILE}{program('pause')}".encode())
    folder = CACHE / f"kubernetes-images-{made_how.hexdigest()[:16]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory() as made:
            context = Path(made)
            (context / "pause").mkdir()
            shutil.copy(program("pause"), context / "pause" / "pause")
            _lay_out_busybox(context / "busybox")
            own = folder.with_name(f"{folder.name}.{os.getpid()}")
            own.mkdir(parents=True)
            for name, image, text in (
                ("pause", PAUSE, PAUSE_FILE),
                ("busybox", BUSYBOX, BUSYBOX_FILE),
            ):
                _build_from(text, context / name, image)
                _write_archive(image, own / f"{name}.tar")
            own.rename(folder)
    return folder


def stator_archive(archive: Path, image: str = STATOR) -> None:
    """Build the project's image and write it as an archive that `Cluster.load` takes.

    Raises Missing where a base cannot be made, and BuildFailed where the Dockerfile fails.
    """
    base = _base()
    builder = _builder(base)
    with tempfile.TemporaryDirectory() as made:
        pip_settings = Path(made) / "pip.conf"
        pip_settings.write_text(_pip_settings())
        options = [
            *("--isolation=chroot", "--network=host", "--layers"),
            f"--volume={CERTIFICATES}:{CERTIFICATES}:ro",
            f"--volume={pip_settings}:/etc/pip.conf:ro",
            *(f"--build-arg=BASE={base}", f"--build-arg=BUILD_BASE={builder}"),
        ]
        # The first stage has a name too, or its layers would go with what nothing uses.
        _buildah("build", *options, "--target=build", f"--tag={STATOR_BUILD}", str(ROOT))
        _buildah("build", *options, f"--tag={image}", str(ROOT))
    _write_archive(image, archive)
    # What older builds have left.
    _buildah("rmi", "--prune", check=False)


class BuildFailed(Exception):
    """The image could not be built. The text is what buildah wrote last."""


def _lay_out_busybox(folder: Path) -> None:
    for name in ("bin", "tmp", "etc", "proc", "sys", "dev", "var", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    shutil.copy(found("busybox"), folder / "bin" / "busybox")
    listed = subprocess.run(
        [found("busybox"), "--list"], capture_output=True, text=True, check=True
    )
    for applet in listed.stdout.split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")


@functools.cache
def _base() -> str:
    """The smallest Debian with Python, of the machine's own version and mirror. Raises Missing."""
    suite, mirror = _distribution()
    made_how = f"{BASE_FILE}{suite}{BASE_PACKAGES}{NOT_NEEDED}"
    image = PYTHON.format(digest=hashlib.sha256(made_how.encode()).hexdigest()[:16])
    if _exists(image):
        return image
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "root"
        options = ["--variant=minbase", f"--include={BASE_PACKAGES}", suite, str(root), mirror]
        try:
            _run([str(found("debootstrap")), *options])
        except BuildFailed as failure:
            raise Missing(f"no base image: {failure}") from failure
        finally:
            # It may leave this one mounted, and what is below it is not ours to delete.
            subprocess.run(["umount", str(root / "proc")], capture_output=True, check=False)
        for folder in NOT_NEEDED:
            shutil.rmtree(root / folder, ignore_errors=True)
        _build_from(BASE_FILE, root, image)
    return image


@functools.cache
def _builder(base: str) -> str:
    """The base with pip, for the stage that installs: the pip that runs here. Raises Missing."""
    try:
        import pip
    except ImportError as failure:
        raise Missing("an image is built with pip, which this Python has not") from failure
    image = BUILDER.format(digest=f"{base.rpartition(':')[2]}-{pip.__version__}")
    if _exists(image):
        return image
    text = f"""\
FROM {base}
COPY pip /opt/pip/pip
RUN ln -s /opt/pip/pip $(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pip
"""
    with tempfile.TemporaryDirectory() as made:
        shutil.copytree(Path(pip.__file__).parent, Path(made) / "pip")
        _build_from(text, Path(made), image)
    return image


def _distribution() -> tuple[str, str]:
    """The name of the machine's Debian, and where its apt gets it from. Raises Missing."""
    release = Path("/etc/os-release").read_text()
    suite = next(
        (line.split("=")[1] for line in release.splitlines() if "VERSION_CODENAME=" in line), ""
    )
    command = [
        "apt-get",
        "indextargets",
        "--format",
        "$(CODENAME) $(REPO_URI)",
        "Created-By: Packages",
    ]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as failure:
        raise Missing(f"a base image is made on Debian only: {failure}") from failure
    for line in listed.splitlines():
        codename, _, mirror = line.partition(" ")
        if codename == suite:
            return suite, mirror
    raise Missing(f"apt has no source for {suite}, which a base image would be made of")


def _pip_settings() -> str:
    """The machine's settings of pip (its registry, its certificates) for a build to have too."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    settings = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'\"")
    lines = [f"{name} = {value}" for name, value in settings.items() if name not in NOT_FOR_BUILDS]
    return "\n".join(["[global]", *lines, ""])


def _exists(image: str) -> bool:
    listed = _buildah("images", "--json", "--filter", f"reference={image}")
    return bool(json.loads(listed))


def _build_from(text: str, context: Path, image: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".Dockerfile") as file:
        file.write(text)
        file.flush()
        words = ("build", "--isolation=chroot", "--network=host", f"--tag={image}")
        _buildah(*words, f"--file={file.name}", str(context))


def _write_archive(image: str, archive: Path) -> None:
    """Not compressed: three nodes are to unpack it, and none has far to fetch it."""
    archive.unlink(missing_ok=True)
    _buildah("push", image, f"docker-archive:{archive}:{image}")


def _buildah(*words: str, check: bool = True) -> str:
    STORAGE.mkdir(parents=True, exist_ok=True)
    where = ("--storage-driver=overlay", f"--root={STORAGE}", f"--runroot={STORAGE / 'run'}")
    return _run([str(found("buildah")), *where, *words], check=check)


def _run(command: Sequence[str], *, check: bool = True) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    if check and done.returncode:
        written = (done.stdout + done.stderr)[-3000:]
        raise BuildFailed(f"{' '.join(command)}:\n{written}")
    return done.stdout
