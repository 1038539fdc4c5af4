"""Where instances join, as they are told."""

from regard.common.errors import UserError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
ANY_HOSTS = ("0.0.0.0", "::")


def host_for_instances(host: str, *, own_host: str, has_other_hosts: bool) -> str:
    """The host that instances call.

    Args:
        host: what the service listens on.
        own_host: this machine's address among those that take part.
        has_other_hosts: whether some instances run on other machines.

    Raises:
        UserError: it is the loopback device's, which other machines cannot reach.
    """
    if has_other_hosts and host in LOOPBACK_HOSTS:
        raise UserError(
            f"instances on other machines cannot reach {host}: say with --afd-listen {own_host}:0 "
            "where they join"
        )
    return own_host if host in ANY_HOSTS else host
