# The project's one image: `stator node`, `stator local` and every other command of `stator`, and
# `stator-operator` (`--entrypoint`, or a container's `command`).
#
# BASE is any image with Python 3.11 or later as `python3`; BUILD_BASE is the same with pip, and
# nothing of it but what it installs comes into the image. The process needs no user of its own, no
# home, no writable root and no capability: give it a volume for --folder, and any user and group.

ARG BASE=python:3.13-slim
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
RUN python3 -m venv --without-pip /opt/stator
WORKDIR /src
# The dependencies first: they change less often than the source, and this layer is kept.
COPY pyproject.toml .
RUN python3 -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*project["dependencies"], *project["optional-dependencies"]["operator"], sep="\n")' > dependencies.txt \
    && python3 -m pip --python /opt/stator/bin/python3 install --no-cache-dir -r dependencies.txt
COPY README.md LICENSE ./
COPY core core
COPY node node
COPY operator operator
RUN python3 -m pip --python /opt/stator/bin/python3 install --no-cache-dir --no-deps .

FROM ${BASE}
COPY --from=build /opt/stator /opt/stator
# Python compiles nothing at run time: what it would write is in the image already.
ENV PATH=/opt/stator/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000 8001
# Any number but 0 does: no file belongs to this one.
USER 65532:65532
ENTRYPOINT ["stator"]
