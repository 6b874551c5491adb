"""Which addresses may be dialled: plain global unicast, and what the operator has excepted.

`ipaddress.is_global` is not enough: it calls several forms that carry an internal IPv4 address global. Here an
embedded IPv4 address is unwrapped first, and everything that is not known to be plain global unicast is refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from isthmus.errors import DestinationDenied
from isthmus.outbound.target import IPAddress, normal_host

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA special-purpose registry (IPv4), multicast and reserved space, the former 6to4 relays, and the one
# public address that is a cloud's host service.
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
# Protocol assignments with Teredo, documentation, 6to4: none of them is plain unicast.
_REFUSED_V6 = tuple(ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


class AddressPolicy:
    """The address rules with the operator's exceptions (`EGRESS_ALLOW`: networks and host names)."""

    def __init__(self, egress_allow: Sequence[str]) -> None:
        networks, hosts = _read_exceptions(egress_allow)
        self._networks = networks
        self._hosts = hosts

    @property
    def has_networks(self) -> bool:
        return bool(self._networks)

    def is_host_excepted(self, host: str) -> bool:
        return host in self._hosts

    def is_excepted(self, address: IPAddress) -> bool:
        plain = plain_address(address)
        return any(plain in network for network in self._networks if network.version == plain.version)

    def judge(self, host: str, addresses: Sequence[IPAddress]) -> bool:
        """Whether all addresses are exceptions (plain http is then permitted).

        Raises DestinationDenied (`address_denied`) if a single one may not be dialled; the message names the host
        only, so that nobody learns what an internal name resolves to.
        """
        if host in self._hosts:
            return True
        excepted = [self.is_excepted(address) for address in addresses]
        if not all(fine or is_public(address) for fine, address in zip(excepted, addresses, strict=True)):
            raise DestinationDenied(
                f"The host {host} does not lead to a public address.",
                code="address_denied",
                hint="An administrator of the installation can except a host or network with ISTHMUS_EGRESS_ALLOW.",
            )
        return all(excepted)


def plain_address(address: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv4-mapped one: dialling either reaches the same place."""
    if address.version == 6 and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: IPAddress) -> bool:
    """Whether this is plain global unicast, with an embedded IPv4 address judged in its stead."""
    address = plain_address(address)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id:
        return False
    bits = int(address)
    # Behind NAT64 (RFC 6052) every IPv4-only host has such an address, so a public one inside is a public one.
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(bits & 0xFFFFFFFF))
    if address not in _GLOBAL_V6 or any(address in network for network in _REFUSED_V6):
        return False
    if (bits >> 32) & 0xFFFFFFFF in _ISATAP:
        return is_public(ipaddress.IPv4Address(bits & 0xFFFFFFFF))
    return True


def _read_exceptions(entries: Iterable[str]) -> tuple[tuple[_Network, ...], frozenset[str]]:
    networks: list[_Network] = []
    hosts: set[str] = set()
    for entry in entries:
        try:
            networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            hosts.add(normal_host(entry))
    return tuple(networks), frozenset(hosts)
