"""`stator` and `python -m stator_node`: from the command line to the wiring."""

from __future__ import annotations

import logging
import sys

from stator_node import cli


def main() -> None:
    """Run the command that the command line names; exits with its code."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    settings = cli.parse(sys.argv[1:])
    # Imported late: `stator verify` needs no server, and a server no verifier.
    if isinstance(settings, cli.VerifySettings):
        from stator_node.storage.verify import run as verify

        sys.exit(verify(settings.folder, sys.stdout))
    if isinstance(settings, cli.ClusterSettings):
        from stator_node.cluster_command import run as ask_cluster

        sys.exit(ask_cluster(settings, sys.stdout))
    if isinstance(settings, cli.GatewaySettings):
        from stator_node.gateway_process import run as serve_clients

        sys.exit(serve_clients(settings))
    if isinstance(settings, cli.SupervisorSettings):
        from stator_node.supervisor_process import run as steer

        sys.exit(steer(settings))
    if isinstance(settings, cli.DrainSettings):
        from stator_node.drain_command import run as drain

        sys.exit(drain(settings))
    if isinstance(settings, cli.NodeSettings):
        from stator_node.node_process import run as serve_partitions

        sys.exit(serve_partitions(settings))
    if settings.zones > 1:
        from stator_node.local_zones import run as serve_zones

        sys.exit(serve_zones(settings))
    from stator_node.local import run as serve

    sys.exit(serve(settings))


if __name__ == "__main__":
    main()
