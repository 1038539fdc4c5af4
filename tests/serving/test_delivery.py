import asyncio
import threading

import pytest

from regard.serving.delivery import Mailbox, failure, put_all
from regard.serving.errors import InstanceLostError, InvalidRequestError, StepFailedError
from regard.serving.outputs import RequestOutput
from regard.serving.sequences import GRAMMAR, INSTANCE_LOST


def output(text="", *, reason=None, stop_reason=None, error=None):
    return RequestOutput("r", 0, text, (1,), None, reason, stop_reason, 1, 0, 1, error)


async def test_outputs_of_another_thread_come_in_order_until_all_sequences_have_ended():
    mailbox = Mailbox()
    items = [output("a"), output("b", reason="stop"), output("c", reason="length"), output("d")]

    def make():
        for item in items:
            mailbox.put(item)

    thread = threading.Thread(target=make)
    thread.start()
    assert [each.text async for each in mailbox.outputs(2)] == ["a", "b", "c"]
    thread.join()


async def test_outputs_of_one_step_reach_all_their_mailboxes_in_order():
    one, other = Mailbox(), Mailbox()
    items = [
        (one, output("a")),
        (other, output("b", reason="stop")),
        (one, output("c", reason="stop")),
    ]
    thread = threading.Thread(target=put_all, args=(items,))
    thread.start()
    assert [each.text async for each in one.outputs(1)] == ["a", "c"]
    assert [each.text async for each in other.outputs(1)] == ["b"]
    thread.join()


async def test_an_exception_in_place_of_an_output_is_raised():
    mailbox = Mailbox()
    mailbox.put(StepFailedError("no"))
    with pytest.raises(StepFailedError, match="no"):
        await anext(mailbox.outputs(1))


@pytest.mark.parametrize(
    ("stop_reason", "kind"),
    [(None, StepFailedError), (GRAMMAR, InvalidRequestError), (INSTANCE_LOST, InstanceLostError)],
)
async def test_a_failed_output_is_raised_as_what_it_stands_for(stop_reason, kind):
    failed = output(reason="error", stop_reason=stop_reason, error="why")
    assert type(failure(failed)) is kind
    mailbox = Mailbox()
    mailbox.put(failed)
    with pytest.raises(kind, match="why"):
        await anext(mailbox.outputs(1))


def test_a_caller_whose_loop_is_closed_is_no_error():
    async def make():
        return Mailbox()

    asyncio.run(make()).put(output())
