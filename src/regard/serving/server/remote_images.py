"""Fetches pictures from other machines, which only `--allow-remote-images` lets a client ask for.

Whoever may name a URL could make this server read what only it can reach. So names are resolved
here, every address must be public, the connection goes to the address that was checked, redirects
are not followed and no proxy is used.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence

import httpx

from regard.serving.images import ImageError

TIMEOUT_SECONDS = 10.0
"""For one picture, from the first packet to the last."""
_CHUNK_BYTES = 65_536
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SCHEMES = ("http", "https")

Resolve = Callable[[str, int], Sequence[str]]


def is_public(address: str) -> bool:
    """Whether an IP address is on the open internet, also where it wraps an older one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        wrapped = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            wrapped = ipaddress.IPv4Address(parsed.packed[-4:])
        if wrapped is not None:
            return is_public(str(wrapped))
        if parsed.teredo is not None:
            return False
    return parsed.is_global and not parsed.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def fetch_image(
    url: str,
    *,
    max_bytes: int,
    timeout_seconds: float = TIMEOUT_SECONDS,
    resolve: Resolve = resolve,
    is_allowed: Callable[[str], bool] = is_public,
) -> bytes:
    """The file at an http or https URL.

    Args:
        url: where.
        max_bytes: more is refused.
        timeout_seconds: from the first packet to the last.
        resolve: finds a host's addresses.
        is_allowed: says whether an address may be asked.

    Raises:
        ImageError: the URL or its host may not be asked, or did not give a file in time.
    """
    parsed = _parse(url)
    address = _address(parsed, resolve, is_allowed)
    try:
        return asyncio.run(asyncio.wait_for(_download(parsed, address, max_bytes), timeout_seconds))
    except TimeoutError as error:
        raise ImageError(
            f"no picture from {parsed.host} within {timeout_seconds:g} seconds"
        ) from error
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        raise ImageError(
            f"no picture from {parsed.host}: {error or type(error).__name__}"
        ) from error


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ImageError(f"a picture's URL is broken: {error}") from error
    if parsed.scheme not in _SCHEMES or not parsed.host or parsed.userinfo:
        raise ImageError("a picture's URL must be http or https, with a host and no password")
    return parsed


def _address(url: httpx.URL, resolve: Resolve, is_allowed: Callable[[str], bool]) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        addresses = resolve(url.host, port)
    except (OSError, UnicodeError) as error:
        raise ImageError(f"a picture's host {url.host!r} is not known") from error
    # One private address among public ones is refused too: the next answer may be that one.
    if not addresses or not all(is_allowed(address) for address in addresses):
        raise ImageError(f"a picture's host {url.host!r} is not on the public internet")
    return addresses[0]


async def _download(url: httpx.URL, address: str, max_bytes: int) -> bytes:
    # One time-out over everything: httpx's own begins anew with every packet.
    headers = {"Host": url.netloc.decode(), "Accept-Encoding": "identity"}
    extensions = {"sni_hostname": url.raw_host.decode()} if url.scheme == "https" else {}
    chunks: list[bytes] = []
    num_bytes = 0
    async with (
        httpx.AsyncClient(timeout=None, trust_env=False) as client,
        client.stream(
            "GET", url.copy_with(host=address), headers=headers, extensions=extensions
        ) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise ImageError(
                f"{url.host} answered {response.status_code} instead of a picture; redirects are "
                "not followed"
            )
        async for chunk in response.aiter_raw(_CHUNK_BYTES):
            num_bytes += len(chunk)
            if num_bytes > max_bytes:
                raise ImageError(f"a picture's file is over {max_bytes:,} bytes")
            chunks.append(chunk)
    return b"".join(chunks)
