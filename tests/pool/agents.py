"""Agents: clients that work through a day in conversations, whose history grows with each turn."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .house import Answer, House
from .tongues import Turns

_WORDS = ("signal", "track", "points", "yard", "siding", "engine", "coach", "buffer", "lamp", "crossing")


@dataclass(frozen=True)
class Habits:
    """How agents work; times are seconds."""

    agents: int = 50
    conversations: int = 5
    """Of each."""
    turns: tuple[int, int] = (8, 28)
    """Requests of one conversation."""
    think: float = 12.0
    """Between two requests, on average."""
    rest: float = 12_000.0
    """Between two conversations, on average."""
    seconds: float = 86_400.0
    """When the last one ends its day."""
    unnamed: int = 3
    """Each agent of so many names no session."""
    patience: int = 0
    """How often it asks again after an answer that is an error."""


class Agent:
    """One client."""

    def __init__(self, number: int, house: House, habits: Habits, seed: int) -> None:
        self._number = number
        self._house = house
        self._habits = habits
        self._random = Random(f"{seed} {number}")
        self.failed: list[Answer] = []

    async def work(self) -> None:
        """A day."""
        await asyncio.sleep(self._random.uniform(0, self._habits.rest))
        for number in range(self._habits.conversations):
            await self._converse(number)
            if self._house.loop.time() > self._habits.seconds:
                return
            await asyncio.sleep(self._random.expovariate(1 / self._habits.rest))

    async def _converse(self, number: int) -> None:
        tongue, random = self._house.provider.tongue, self._random
        named = self._number % self._habits.unnamed != 0
        headers = (("x-session-id", f"session-{self._number}-{number}"),) if named else ()
        turns = tongue.say(f"Conversation {number} of agent {self._number}: {self._words(60)}")
        for _ in range(random.randint(*self._habits.turns)):
            answer = await self._ask(turns, headers)
            if answer is None:
                return
            heard = tongue.hear(answer.body)
            turns += heard
            turns += tongue.results(heard, self._words(80)) or tongue.say(self._words(30))
            await asyncio.sleep(random.expovariate(1 / self._habits.think))

    async def _ask(self, turns: Turns, headers: tuple[tuple[str, str], ...]) -> Answer | None:
        """None where it gives up."""
        tongue, house = self._house.provider.tongue, self._house
        for _ in range(self._habits.patience + 1):
            body = tongue.body(tongue.model, "You set points.", turns)
            answer = await house.send(house.caller(body, *headers))
            if answer.status == 200 and answer.whole:
                return answer
            self.failed.append(answer)
            await asyncio.sleep(self._random.expovariate(1 / self._habits.think))
        return None

    def _words(self, count: int) -> str:
        return " ".join(self._random.choices(_WORDS, k=count))


async def day(house: House, habits: Habits, seed: int = 0) -> Sequence[Agent]:
    """All agents, until the last has gone home."""
    agents = [Agent(number, house, habits, seed) for number in range(habits.agents)]
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(agent.work())
    return agents
