import pytest

from regard.common.errors import UserError
from regard.serving.afd.address import host_for_instances


@pytest.mark.parametrize(
    ("host", "has_other_hosts", "expected"),
    [
        ("127.0.0.1", False, "127.0.0.1"),
        ("10.0.0.7", True, "10.0.0.7"),
        ("0.0.0.0", True, "10.0.0.1"),
        ("::", False, "10.0.0.1"),
    ],
)
def test_instances_are_sent_where_they_reach_the_service(host, has_other_hosts, expected):
    assert (
        host_for_instances(host, own_host="10.0.0.1", has_other_hosts=has_other_hosts) == expected
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_refused_where_other_machines_take_part(host):
    with pytest.raises(UserError, match=f"cannot reach {host}: say with --afd-listen 10.0.0.1:0"):
        host_for_instances(host, own_host="10.0.0.1", has_other_hosts=True)
