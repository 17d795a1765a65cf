"""What the log says of faults: never a key, though one may stand in an error's words."""

import logging

from rig import rig
from voices import CHAT

from scripted import Upstream, run

KNOWN = "canary0of0theirs0f7g8h9"
FOREIGN = "sk-ant-api03-canary-3x9v2b7n"


def test_no_line_and_no_traceback_tells_a_credential(caplog):
    log = logging.getLogger("pointsman")

    async def scenario():
        keys, environment = 'key_env = "THEIRS"', {"THEIRS": KNOWN}
        async with (
            Upstream(CHAT.whole()) as server,
            rig(backend=keys, environment=environment, openai_chat=server) as gateway,
        ):
            await gateway.ask(CHAT)
            log.warning("a line with %s and %s", KNOWN, FOREIGN)
            try:
                raise ValueError(f"no use for {KNOWN}")
            except ValueError as error:
                log.error("request 1 failed", exc_info=error)
                logging.getLogger("asyncio").error("nobody asked", exc_info=error)

    run(scenario())
    log.warning("after the end: %s", "as before")

    assert "canary" not in caplog.text
    assert caplog.text.count("ValueError: no use for …") == 2
    assert "a line with … and …" in caplog.text
    assert "after the end: as before" in caplog.text
    assert log.filters == []
