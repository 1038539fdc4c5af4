import ctypes
import os
import subprocess
import sys

import pytest

from regard.serving.afd.link.signals import NUM_BYTES, SignalPage


@pytest.fixture
def page():
    page = SignalPage.create()
    yield page
    page.close()


def test_words_are_0_at_first(page):
    assert list(page.words[:16]) == [0] * 16


def test_another_process_sees_and_writes_the_same_words(page):
    page.words[3] = 2**63 + 1
    program = (
        "from regard.serving.afd.link.signals import SignalPage\n"
        f"page = SignalPage.open({page.ticket})\n"
        "assert page.words[3] == 2**63 + 1\n"
        "page.words[4] = 77\n"
        "page.close()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert page.words[4] == 77


def test_the_address_is_that_of_the_words(page):
    ctypes.c_uint64.from_address(page.address + 8 * 5).value = 9
    assert page.words[5] == 9
    assert page.address % NUM_BYTES == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"process": 2**22 + 1}, "no such page"), ({"descriptor": 9999}, "no such page")],
)
def test_a_page_that_is_not_there_is_a_connection_error(page, change, reason):
    with pytest.raises(ConnectionError, match=reason):
        SignalPage.open({**page.ticket, **change})


def test_a_page_that_is_not_the_one_is_refused(page):
    other = SignalPage.create()
    ticket = {**page.ticket, "descriptor": other.ticket["descriptor"]}
    with pytest.raises(ConnectionError, match="another page"):
        SignalPage.open(ticket)
    other.close()


def test_closing_leaves_no_descriptor():
    before = len(os.listdir("/proc/self/fd"))
    page = SignalPage.create()
    SignalPage.open(page.ticket).close()
    page.close()
    assert len(os.listdir("/proc/self/fd")) == before
