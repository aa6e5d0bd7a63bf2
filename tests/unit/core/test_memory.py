"""Memory that nobody uses goes back to the system."""

from tests.unit.core.program import Program

# Many small things, every hundredth of which stays: the rest lies between them, and the allocator keeps it.
FRAGMENTED = """
import time
from pathlib import Path
from flatproxy.core.memory import give_back_unused

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

things = [bytearray(5000) for _ in range(20000)]
kept = things[::100]
del things
before = resident()
give_back_unused(0.01)
while resident() > before / 2:
    time.sleep(0.01)
"""


def test_what_is_freed_goes_back_to_the_system():
    with Program("-c", FRAGMENTED) as program:
        assert program.exit_code() == 0, "half of what was freed should have gone back"
