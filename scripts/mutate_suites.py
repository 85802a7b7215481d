# SPDX-License-Identifier: MIT
"""Which tests judge a mutant of a layer, in which order: the layer's own first, then others from cheap to dear, the whole suite last."""
import glob
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Suite:
    """One binary: what it is made of, and how the mutant is met. `players`: the script players that see it; other Configs pass everything meanwhile.
    `whole`: too dear to be compiled for one mutant."""

    def __init__(self, name, sources, players=(), optimise="-O0", seconds=60, whole=False):
        self.name, self.players, self.optimise, self.seconds, self.whole = name, [f"tests/script/{p}.cpp" for p in players], optimise, seconds, whole
        self.sources = [s for pattern in sources for s in sorted(glob.glob(pattern, root_dir=ROOT, recursive=True))]


def scripts(name, *players, whole=False):
    return Suite(name, ["tests/script/*.cpp"], players=players, whole=whole)


def units(name, *tests, seconds=120, whole=False):
    return Suite(name, [f"tests/unit/{test}_test.cpp" for test in tests], seconds=seconds, whole=whole)


def stacks():
    return units("stacks", "stack*")


def contract():
    return Suite("contract", ["tests/contract_test.cpp", "tests/contract/*.cpp"], optimise="-O1", seconds=300, whole=True)


# A unit that two suites share is compiled once.
LAYERS = {
    "tcp": [
        scripts("scripts", "player_v4"),
        scripts("in_trains", "player_trains_v4"),
        scripts("writing", "player_writing", "player_corking"),
        units("direct", "tcp_*", "challenges"),
        units("stack", "stack", "stack_first_time"),
        units("prediction", "header_prediction"),
        units("checksums", "checksum_modes*"),
        scripts("pacing", "player_paced", "player_paced_trains", "player_deferring"),
        scripts("acking", "player_adaptive", "player_immediate", "player_minshall"),
        scripts("families", "player_v6", "player_32_bits"),
        units("autobind", "autobind"),
        units("trains", "trains"),
        units("gro", "gro_rules", "gro_bare"),
        units("backlog", "backlog*"),
        units("writers", "writers"),
        units("slots", "slots"),
        units("permission", "permission_v4"),
        Suite("ip_endpoint", ["tests/ip_endpoint/v4_test.cpp"]),
        scripts("all_scripts", whole=True),
        units("unit", "tcp_*", "challenges", "header_prediction", "stack*", "no_heap", "autobind", "backlog*", "checksum_modes*", "copies*", "gro*", "lock", "path_mtu", "permission_*", "pressure", "slots*",
              "spread", "trains*", "writers", whole=True),
        Suite("ip_endpoints", ["tests/ip_endpoint/*.cpp"], whole=True),
        contract(),
        Suite("sim", ["tests/sim/*_test.cpp", "tests/sim/simulation.cpp", "tests/sim/policy/*.cpp"], optimise="-O1", seconds=900, whole=True),
    ],
    "udp": [scripts("scripts", "datagram_player"), units("unit", "udp*"), units("others", "reassemble", "path_mtu", "neighbours", "permission_v4", "igmp*", "group_loop", "pressure"), stacks()],
    "raw": [units("unit", "raw*", "trace_network"), stacks()],
    # Without raw_configs: with switches in ip/ g++ 12 asks too early whether a layer below has `may_wait`.
    "ip": [units("unit", "ip*", "icmp"), units("others", "path_mtu", "reassemble", "forward", "group_loop*", "hooks", "igmp*", "routes", "connection_limit", "loopback", "own_addresses*", "raw", "raw_header*", "rules"), stacks()],
    "neighbour": [units("unit", "arp*"), units("addresses", "own_addresses*", "proxy_arp", "neighbours", "pressure_arp"), stacks()],
    "link": [units("unit", "link*"), stacks()],
    "wire": [units("unit", "wire_*"), units("layers", "arp", "ip*", "icmp", "udp")],
    "buffer": [units("unit", "buffer*"), units("slots", "slots*"), units("others", "checksum_modes*", "copies*", "gro_rules", "link_segment", "trains", "udp_trains"), stacks()],
    "core": [units("unit", "address", "checksum", "exclusion", "expected", "keyed_table", "layers", "lock", "serial", "siphash", "small_tables", "time", "timer_wheel"),
             units("others", "autobind", "backlog", "challenges", "mailbox", "permission_*", "tcp_table_full"), stacks()],
    "qdisc": [units("unit", "qdisc*"), stacks()],
    "socket": [stacks(), contract()],
    "stack": [stacks(), units("others", "forward", "group_loop*", "lock", "loopback", "permission_*", "raw*", "udp*"), contract()],
    "posix": [units("unit", "posix*", "mailbox")],
}
NOT_YET = ["nic"]

# What a file is for is where its mutants are seen: these suites come right behind the first.
SOONER = [
    (r"tcp/(append|collapse|split)", ["writing"]),
    (r"tcp/line", ["writing", "writers"]),
    (r"tcp/(backlog|apart)", ["backlog"]),
    (r"tcp/pacing", ["pacing"]),
    (r"tcp/predicates", ["writing", "pacing"]),
    (r"tcp/segment", ["checksums"]),
    (r"tcp/ports", ["autobind"]),
    (r"tcp/open", ["families", "autobind"]),
    (r"tcp/acks", ["acking"]),
    (r"tcp/options", ["writing"]),
    (r"tcp/charge", ["slots"]),
    (r"tcp/gro", ["gro"]),
    (r"tcp/trains", ["trains", "gro"]),
    (r"tcp/calls", ["writing", "backlog"]),
    (r"tcp/gso", ["in_trains", "trains", "pacing"]),
]


def order(layer, header):
    """The suites in the order in which a mutant of `header` meets them."""
    first, *rest = LAYERS[layer]
    sooner = [name for pattern, names in SOONER if re.match(pattern, header) for name in names]
    return [first] + sorted(rest, key=lambda s: sooner.index(s.name) if s.name in sooner else len(sooner))
