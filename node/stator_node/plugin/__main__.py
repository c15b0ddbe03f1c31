"""`kubectl stator`: one question, one answer. Wiring, and the words that follow a deed.

Called by `kubectl`, which finds the program `kubectl-stator` on the path. Returns 0, or 1 where the
cluster cannot be reached or says no; the reason is on standard error.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from stator_node.plugin.command_line import PluginSettings, parse
from stator_node.plugin.kubectl import Kubectl, KubectlFailed
from stator_node.plugin.pool_view import NoSuchPod, describe, describe_partitions, of_table
from stator_node.plugin.pools import NoSuchPool, ask, find_pool, find_pools, with_cluster
from stator_node.plugin.report import write_report

REPLACE_ANNOTATION = "stator.dev/replace"


def main() -> None:
    """The entry point of `kubectl-stator`."""
    sys.exit(run(parse(sys.argv[1:]), sys.stdout))


def run(settings: PluginSettings, out: TextIO) -> int:
    """Do what is asked, and say how it went by the exit code."""
    kubectl = Kubectl(settings.kubectl_options)
    act = {
        "status": _status,
        "partitions": _partitions,
        "drain": _drain,
        "replace": _replace,
        "transfer": _transfer,
        "report": _report,
    }[settings.action]
    try:
        act(kubectl, settings, out)
    except (KubectlFailed, NoSuchPool, NoSuchPod, OSError) as error:
        print(f"kubectl stator: {error}", file=sys.stderr)
        return 1
    return 0


def _status(kubectl: Kubectl, settings: PluginSettings, out: TextIO) -> None:
    views = [with_cluster(kubectl, each) for each in find_pools(kubectl, settings.pool)]
    if settings.output == "json":
        out.write(json.dumps([each.to_json() for each in views], indent=2) + "\n")
    elif views:
        out.write("\n".join(describe(each) for each in views))
    else:
        out.write("There is no StoragePool in this namespace.\n")


def _partitions(kubectl: Kubectl, settings: PluginSettings, out: TextIO) -> None:
    views = [with_cluster(kubectl, each) for each in find_pools(kubectl, settings.pool)]
    if settings.output == "json":
        told = [
            {"pool": view.name, **of_table(view.cluster, settings.subject)}
            for view in views
            if view.cluster is not None
        ]
        out.write(json.dumps(told, indent=2) + "\n")
        return
    out.write("\n".join(describe_partitions(each, settings.subject) for each in views))


def _drain(kubectl: Kubectl, settings: PluginSettings, out: TextIO) -> None:
    assert settings.node is not None
    view = with_cluster(kubectl, find_pool(kubectl, settings.pool))
    cancel = ("--cancel",) if settings.cancel else ()
    answer = ask(kubectl, view, "drain", view.node_of(settings.node), *cancel)
    if settings.cancel:
        out.write(f"Node {answer['node_id']} stays.\n")
    else:
        out.write(f"Node {answer['node_id']} is being drained: see `kubectl stator status`.\n")


def _replace(kubectl: Kubectl, settings: PluginSettings, out: TextIO) -> None:
    assert settings.node is not None
    view = find_pool(kubectl, settings.pool)
    pod = view.storage_pod(settings.node)
    mark = f"{REPLACE_ANNOTATION}-" if settings.cancel else f"{REPLACE_ANNOTATION}=true"
    kubectl("annotate", "pod", pod, mark, "--overwrite")
    if settings.cancel:
        out.write(f"Pod {pod} keeps its volume, unless the operator has begun.\n")
    else:
        out.write(
            f"The operator gives pod {pod} another volume as soon as all partitions can do without"
            " it; their replicas are copied there. See `kubectl stator status`.\n"
        )


def _transfer(kubectl: Kubectl, settings: PluginSettings, out: TextIO) -> None:
    assert settings.node is not None
    assert settings.subject is not None
    view = with_cluster(kubectl, find_pool(kubectl, settings.pool))
    answer = ask(kubectl, view, "transfer", settings.subject, view.node_of(settings.node))
    out.write(f"Node {answer['node_id']} is to lead partition {answer['partition_id']}.\n")


def _report(kubectl: Kubectl, settings: PluginSettings, out: TextIO) -> None:
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    named = f"stator-report-{kubectl.namespace()}-{moment}.tar.gz"
    file = settings.file or Path(named)
    missing = write_report(kubectl, file, settings.log_lines, version("stator"))
    out.write(f"{file}: no Secrets are in it, but names of tables, pods and machines are.\n")
    for each in missing:
        out.write(f"not in it: {each}\n")


if __name__ == "__main__":
    main()
